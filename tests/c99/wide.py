"""Networks of layers that read or write 32 bits, as sums that nothing rounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantbench.c99.ir.graph import Graph, Requantization, Type, Window
from quantbench.c99.nodes.curve import Curve, Grid
from quantbench.c99.nodes.mix import Mix
from quantbench.c99.nodes.pool import Pool
from quantbench.c99.nodes.product import Product
from quantbench.numerics.fixed_point import multiplier
from tests.c99.builder import Builder, places

POINT = Window((1, 1))
SAME = Window((3, 3), pads=(1, 1, 1, 1))
SPARSE = Window((2, 3), pads=(0, 2, 1, 2), dilations=(1, 2))
SIDES = (7, 9)
CASES: dict[int, Type] = {40: "uint8", 70: "int8", 17: "uint8", 8: "int8"}
"""Channels that leave rests in registers of every width, and the type of tensors of 8 bits."""


@dataclass
class Wide:
    """Adds nodes of 32 bits to a network; the scales of channels differ where `by_channel`."""

    build: Builder
    by_channel: bool = True
    ties: bool = False

    def sums(self, source: str) -> str:
        """A convolution that nothing rounds: integers of up to some thousands."""
        channels = self.build.shape[0]
        return self.build.conv(source, channels, POINT, activation="none", last=True)

    def multipliers(self, shift: int, largest: float) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Factors of up to `largest`, times 2**shift; for ties a power of two."""
        count = self.build.shape[0] if self.by_channel else 1
        factors = self.build.rng.uniform(largest / 2, largest, count)
        if self.ties:
            factors = 2.0 ** np.floor(np.log2(factors))
        return np.array([round(factor * 2**shift) for factor in factors], np.int64)

    def mix(self, inputs: tuple[str, ...], type: Type, largest: float, shift: int = 46) -> str:
        out = self.build.new((self.build.shape[0], *SIDES), type)
        low, high = (-5000, 6000) if type == "int32" else self.ends(type)
        rows = [largest / (1 if self.words(name) else 2**-12) for name in inputs]
        self.build.nodes.append(
            Mix(
                f"mix {out}", inputs, out, tuple(self.multipliers(shift, row) for row in rows),
                shift, self.build.tensors[out].zero_point, low, high,
            )
        )  # fmt: skip
        return out

    def curve(self, source: str, type: Type, shift: int = 30) -> str:
        """A table of random entries over 300 places, 100 of them below 0."""
        out = self.build.new((self.build.shape[0], *SIDES), type)
        low, high = (-30000, 30000) if type == "int32" else self.ends(type)
        table = self.build.rng.integers(low, high + 1, 300)
        self.build.nodes.append(
            Curve(
                f"curve {out}", source, out, table, Grid(1.0, -100, 300),
                self.multipliers(shift, 0.02), shift, lambda reals, errors: (reals, errors),
                ("function",),
            )
        )  # fmt: skip
        return out

    def product(self, one: str, other: str, type: Type, factor: float) -> str:
        out = self.build.new((self.build.shape[0], *SIDES), type)
        low, high = (-9000, 9000) if type == "int32" else self.ends(type)
        zero = self.build.tensors[out].zero_point
        of = multiplier(self.build.few_bits(factor), out)  # type: ignore[arg-type]
        rounding = Requantization((of,), zero, low, high)
        self.build.nodes.append(Product(f"product {out}", (one, other), out, rounding))
        return out

    def pool(self, source: str, window: Window) -> str:
        """The sums of a pooling of the network's own sides."""
        sides = places(SIDES, window)
        out = self.build.new((self.build.shape[0], *sides), "int32")
        self.build.nodes.append(Pool(f"pool {out}", source, out, "sum", window, True, None))
        return out

    def ends(self, type: Type) -> tuple[int, int]:
        return (0, 255) if type == "uint8" else (-128, 127)

    def words(self, name: str) -> bool:
        return self.build.tensors[name].type == "int32"


def layers(channels: int, *, by_channel: bool = True, ties: bool = False) -> Graph:
    """Each kind with each type of inputs and output."""
    type = CASES[channels]
    wide = Wide(Builder((channels, *SIDES), channels, type), by_channel, ties)
    sums = wide.sums("input")
    fine = wide.mix((sums, "input"), "int32", 2**-6)
    finer = wide.mix((sums, fine), "int32", 2**-5, 31)
    a = wide.mix((fine, sums), type, 2**-7)
    b = wide.mix((a, finer), type, 2**-6, 44)
    c = wide.mix((finer,), type, 2**-6, 33)
    d = wide.mix((a, b), "int32", 2**-8)
    e = wide.mix((c,), "int32", 2**-9)
    held = wide.curve(finer, "int32")
    f = wide.product(held, d, "int32", 2.0**-15)
    g = wide.product(a, e, type, 2.0**-9)
    h = wide.product(f, b, type, 2.0**-11)
    i = wide.curve(wide.mix((fine, g), "int32", 2**-4), type, 29)
    j = wide.mix((d, h), type, 2**-6)
    k = wide.mix((wide.pool(a, SAME), wide.pool(b, SPARSE)), type, 2**-3)
    last = wide.build.add(wide.build.add(g, i), wide.build.add(j, wide.build.add(h, k)))
    return wide.build.graph(last)
