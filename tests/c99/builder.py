"""Integer networks made by hand: shaped like LeNet, and drawn at random over all nodes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.ir.graph import (
    LIMITS,
    Graph,
    Node,
    Pooling,
    Requantization,
    Tensor,
    Type,
    Window,
)
from quantbench.c99.nodes.broadcast import Broadcast
from quantbench.c99.nodes.conv import Conv
from quantbench.c99.nodes.dense import Dense
from quantbench.c99.nodes.extreme import Extreme
from quantbench.c99.nodes.limit import Limit
from quantbench.c99.nodes.pool import Pool
from quantbench.c99.nodes.product import Product
from quantbench.c99.nodes.rearrange import Rearrange
from quantbench.c99.nodes.requantize import Requantize
from quantbench.c99.nodes.reshape import Reshape
from quantbench.c99.nodes.smallest import Smallest
from quantbench.c99.nodes.table import Table
from quantbench.c99.ops.add import Add, AddRequantization
from quantbench.c99.ops.concat import Concat
from quantbench.c99.ops.pad import Pad
from quantbench.numerics.fixed_point import common_multipliers, multiplier

Pads = tuple[int, int, int, int]


@dataclass
class Builder:
    """Draws weights and scales; each method adds a node and returns its output's name."""

    shape: tuple[int, ...]
    seed: int = 1
    type: Type = "uint8"
    dyadic: bool = False
    """Weights are multiples of 64, and factors have few bits: many results are ties."""
    tensors: dict[str, Tensor] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.add_tensor("input", self.shape, self.type)

    def add_tensor(self, name: str, shape: tuple[int, ...], type: Type) -> str:
        low, high = LIMITS[type]
        zero = int(self.rng.integers(low, high + 1)) if type != "int32" else 0
        self.tensors[name] = Tensor(name, shape, type, (float(np.float32(0.02)),), zero)
        return name

    def new(self, shape: tuple[int, ...], type: Type | None = None) -> str:
        return self.add_tensor(f"x{len(self.tensors)}", shape, type or self.type)

    def requantize(self, output: str, count: int, sum_of: int) -> Requantization:
        """So that outputs spread over their range; a multiplier in four is 0 or tiny or a tie."""
        low, high = LIMITS[self.tensors[output].type]
        made = []
        for _ in range(count):
            real = Fraction(float(self.rng.uniform(0.3, 3))) / max(1, int(60 * math.sqrt(sum_of)))
            kind = int(self.rng.integers(0, 8))
            real = {0: Fraction(0), 1: Fraction(1, 2**33), 2: Fraction(1, 64)}.get(kind, real)
            if self.dyadic:
                real = self.few_bits(real)
            made.append(multiplier(real, output))
        return Requantization(tuple(made), self.tensors[output].zero_point, low, high)

    def few_bits(self, real: Fraction) -> Fraction:
        """Near `real`: 1, 3 or 5 times a power of two."""
        exponent = math.floor(math.log2(real)) if real else 0
        return Fraction(int(self.rng.choice((1, 3, 5)))) * Fraction(2) ** (exponent - 1)

    def weights(self, shape: tuple[int, ...], wide: bool) -> NDArray[np.int16]:
        most = 255 if wide else 127
        return self.stepped(self.rng.integers(-most, most + 1, shape)).astype(np.int16)

    def starts(self, count: int) -> NDArray[np.int32]:
        return self.stepped(self.rng.integers(-5000, 5000, count)).astype(np.int32)

    def stepped(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.sign(values) * (np.abs(values) // 64 * 64) if self.dyadic else values

    def limits(
        self, count: int, activation: str
    ) -> tuple[NDArray[np.int32] | None, NDArray[np.int32] | None]:
        low = None if activation == "none" else np.zeros(count, np.int32)
        high = self.rng.integers(100, 100000, count).astype(np.int32)
        return low, high if activation == "clip" else None

    def conv(
        self,
        source: str,
        channels: int,
        window: Window,
        *,
        groups: int = 1,
        pooling: Pooling | None = None,
        activation: str = "relu",
        per_channel: bool = True,
        wide: bool = False,
        last: bool = False,
    ) -> str:
        into = self.tensors[source]
        height, width = places(into.shape[1:], window)
        if pooling:
            height, width = places((height, width), pooling.window)
        out = self.new((channels, height, width), "int32" if last else None)
        weights = self.weights((channels, into.shape[0] // groups, *window.kernel), wide)
        low, high = self.limits(channels, activation)
        self.nodes.append(
            Conv(
                name=f"conv {out}",
                input=source,
                output=out,
                weights=weights,
                bias=self.starts(channels),
                window=window,
                groups=groups,
                padding=into.zero_point,
                low=low,
                high=high,
                pooling=pooling,
                requantize=None
                if last
                else self.requantize(out, channels if per_channel else 1, weights[0].size * 127),
            )
        )
        return out

    def dense(
        self, source: str, outputs: int, *, activation: str = "relu", wide: bool = False,
        last: bool = False,
    ) -> str:  # fmt: skip
        into = self.tensors[source]
        out = self.new((outputs,), "int32" if last else None)
        low, high = self.limits(outputs, activation)
        self.nodes.append(
            Dense(
                name=f"dense {out}",
                input=source,
                output=out,
                weights=self.weights((outputs, into.size), wide),
                bias=self.starts(outputs),
                low=low,
                high=high,
                requantize=None if last else self.requantize(out, outputs, into.size * 127),
            )
        )
        return out

    def pool(self, source: str, kind: str, window: Window, *, count_pads: bool = True) -> str:
        into = self.tensors[source]
        out = self.new((into.shape[0], *places(into.shape[1:], window)))
        whole = math.prod(window.kernel)
        counts = [whole] if count_pads else range(1, whole + 1)
        low, high = LIMITS[self.type]
        made = tuple(multiplier(Fraction(1, n), out) for n in counts)
        requantize = Requantization(made, self.tensors[out].zero_point, low, high)
        if kind == "max":
            self.nodes.append(Pool(f"max {out}", source, out, "max", window, True, None))
        else:
            self.nodes.append(
                Pool(f"mean {out}", source, out, "average", window, count_pads, requantize)
            )
        return out

    def add(self, one: str, other: str) -> str:
        out = self.new(self.tensors[one].shape)
        factors = (
            Fraction(float(self.rng.uniform(0.1, 1))),
            Fraction(1, int(self.rng.integers(1, 9))),
        )
        if self.dyadic:
            factors = self.few_bits(factors[0]), self.few_bits(factors[1])
        m1, m2, s = common_multipliers(*factors, out)
        low, high = LIMITS[self.type]
        zeros = (self.tensors[one].zero_point, self.tensors[other].zero_point)
        zero = self.tensors[out].zero_point
        factor = AddRequantization((m1, m2), s, zeros, zero, low, high)
        self.nodes.append(Add(f"add {out}", (one, other), out, factor))
        return out

    def table(self, source: str, *, per_channel: bool = False) -> str:
        """Any 256 integers, for all channels or for each."""
        shape = self.tensors[source].shape
        out = self.new(shape)
        low, high = LIMITS[self.type]
        rows = (shape[0] if per_channel else 1, 256)
        integers = self.rng.integers(low, high + 1, rows)
        none = np.zeros(rows)
        self.nodes.append(Table(f"table {out}", source, out, integers, none, none > 0, ("any",)))
        return out

    def broadcast(self, source: str, shape: tuple[int, ...]) -> str:
        into = self.tensors[source]
        out = f"x{len(self.tensors)}"
        self.tensors[out] = Tensor(out, shape, into.type, into.scale, into.zero_point)
        self.nodes.append(Broadcast(f"broadcast {out}", source, out))
        return out

    def product(self, one: str, other: str) -> str:
        """Of two tensors; the second may have axes of size 1."""
        out = self.new(self.tensors[one].shape)
        requantize = self.requantize(out, 1, 127)
        self.nodes.append(Product(f"product {out}", (one, other), out, requantize))
        return out

    def extreme(self, one: str, other: str, kind: Literal["maximum", "minimum"]) -> str:
        out = self.new(self.tensors[one].shape)
        self.nodes.append(Extreme(f"{kind} {out}", (one, other), out, kind))
        return out

    def rescale(self, source: str, *, per_channel: bool = False) -> str:
        shape = self.tensors[source].shape
        out = self.new(shape)
        requantize = self.requantize(out, shape[0] if per_channel else 1, 0)
        self.nodes.append(Requantize(f"rescale {out}", source, out, requantize))
        return out

    def limit(self, source: str) -> str:
        """Each channel up to an integer of its own."""
        into = self.tensors[source]
        out = f"x{len(self.tensors)}"
        self.tensors[out] = replace(into, name=out)
        low, high = LIMITS[into.type]
        highest = self.rng.integers(low, high + 1, into.shape[0])
        self.nodes.append(Limit(f"limit {out}", source, out, highest))
        return out

    def smallest(self, source: str) -> str:
        into = self.tensors[source]
        out = f"x{len(self.tensors)}"
        shape = (into.shape[0], 1, 1)
        self.tensors[out] = replace(into, name=out, shape=shape)
        self.nodes.append(Smallest(f"smallest {out}", source, out))
        return out

    def concat(self, *sources: str) -> str:
        shapes = [self.tensors[one].shape for one in sources]
        out = self.new((sum(shape[0] for shape in shapes), *shapes[0][1:]))
        self.nodes.append(Concat(f"concat {out}", sources, out))
        return out

    def pad(self, source: str, pads: Pads) -> str:
        channels, height, width = self.tensors[source].shape
        top, left, bottom, right = pads
        out = self.new((channels, height + top + bottom, width + left + right))
        value = int(self.rng.integers(*LIMITS[self.type]))
        self.nodes.append(Pad(f"pad {out}", source, out, pads, value))
        return out

    def reshape(self, source: str, shape: tuple[int, ...]) -> str:
        into = self.tensors[source]
        out = f"x{len(self.tensors)}"
        self.tensors[out] = Tensor(out, shape, into.type, into.scale, into.zero_point)
        self.nodes.append(Reshape(f"reshape {out}", source, out))
        return out

    def rearrange(self, source: str, places: NDArray[np.int64]) -> str:
        """The values at `places` [*shape of the output], counted in the source's ONNX order."""
        into = self.tensors[source]
        out = f"x{len(self.tensors)}"
        self.tensors[out] = Tensor(out, places.shape, into.type, into.scale, into.zero_point)
        self.nodes.append(Rearrange(f"rearrange {out}", source, out, places.reshape(-1)))
        return out

    def graph(self, output: str) -> Graph:
        return Graph("net", self.tensors, tuple(self.nodes), "input", output)


def places(shape: tuple[int, ...], window: Window) -> tuple[int, int]:
    top, left, bottom, right = window.pads
    sides = zip(
        (shape[0] + top + bottom, shape[1] + left + right),
        window.kernel, window.strides, window.dilations, strict=True,
    )  # fmt: skip
    height, width = (
        (size - (kernel - 1) * dilation - 1) // stride + 1
        for size, kernel, stride, dilation in sides
    )
    return height, width


def lenet(seed: int = 1, type: Type = "uint8", *, dyadic: bool = False) -> Graph:
    build = Builder((1, 32, 32), seed, type, dyadic=dyadic)
    halved = Pooling("average", Window((2, 2), (2, 2)))
    x = build.conv("input", 6, Window((5, 5)), pooling=halved)
    x = build.conv(x, 16, Window((5, 5)), pooling=halved)
    x = build.conv(x, 120, Window((5, 5)))
    x = build.reshape(x, (120,))
    x = build.dense(x, 84)
    return build.graph(build.dense(x, 10, activation="none", last=True))
