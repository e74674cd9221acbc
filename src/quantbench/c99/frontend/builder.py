"""The graph while it grows, and the expressions that wait until their format is known.

Nothing is rounded, and no node made, before a QuantizeLinear says to which scale: until then a
layer is an expression of real numbers, with all that follows it. In a network of float32 it waits
for what can be fused behind it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar

import numpy as np

from quantbench.c99.frontend import boundary
from quantbench.c99.frontend.formats import FREE, Format, Limits, format_of_tensor
from quantbench.c99.frontend.reader import shown
from quantbench.c99.ir.graph import LIMITS, Node, Origin, Requantization, Shape, Tensor
from quantbench.c99.ir.sizes import MAX_NUMBERS
from quantbench.c99.nodes.clamp import Clamp
from quantbench.c99.nodes.requantize import Requantize
from quantbench.c99.nodes.reshape import Reshape
from quantbench.errors import CompileError
from quantbench.numerics.fixed_point import exact, multiplier

COST = 1000
"""The cost of a factor, if that of a weight is 1."""
_BUDGET = 2**28
_MAX_HELD = MAX_NUMBERS
"""Numbers of all tensors together."""


@dataclass(frozen=True)
class TensorRef:
    """A tensor of the graph, seen in `shape`."""

    tensor: str
    shape: Shape


class Expr(ABC):
    """An operation on tensors of the graph, in real numbers. Subclasses are frozen dataclasses."""

    where: str
    """The node of the ONNX file."""
    shape: Shape
    takes_activation: ClassVar[bool] = False
    """Whether limits become part of its node, before anything is rounded."""

    @abstractmethod
    def lower(self, builder: Builder, name: str, limits: Limits, format: Format) -> str:
        """Adds its nodes, and returns the name of its tensor in `format`, within `limits`."""

    def unrounded(self, builder: Builder) -> tuple[Expr, Format] | None:  # noqa: ARG002
        """The expression with its parts held, and the format in which it needs no rounding."""
        return None


class PostStep(ABC):
    """A step after rounding, which it commutes with. Subclasses are frozen dataclasses."""

    where: str
    shape: Shape

    @abstractmethod
    def lower(self, builder: Builder, name: str, tensor: str) -> str:
        """Adds its node behind `tensor`, and returns the name of its own, in the same format."""

    def clipped(self, limits: Limits) -> PostStep:  # noqa: ARG002
        """The step where an activation follows it."""
        return self

    @property
    def constants(self) -> tuple[Fraction, ...]:
        """Real numbers that its output has whatever its input is."""
        return ()


@dataclass(frozen=True)
class Deferred:
    """Not yet rounded: `limits` hold for what `core` gives, then come `steps`, then the shape."""

    core: Expr
    shape: Shape
    limits: Limits = FREE
    steps: tuple[PostStep, ...] = ()
    slack: Fraction = Fraction(0)
    """How far, in real numbers, the roundings that were dropped could have moved a value."""
    grid: Format | None = None
    """The format of the last dropped rounding, while no pooling has followed it."""

    @property
    def plain(self) -> bool:
        """Whether it has the shape in which its core gives it, with no step between."""
        return not self.steps and self.shape == self.core.shape


class Builder:
    """Tensors, each of a name of its own, and nodes. `held`: the format in which any value may be
    held without being rounded: float32 in a network of float32, None in one of integers.
    """

    def __init__(self, held: Format | None) -> None:
        self.held = held
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self.origins: dict[str, tuple[Origin, ...]] = {}
        self.moved: dict[str, tuple[float, ...]] = {}
        """How far coarser integers moved the channels of each tensor: see fitting.py."""
        self._reshaped: dict[tuple[str, Shape], str] = {}
        self._taken: dict[str, int] = {}
        self._budget_left = _BUDGET
        self._numbers_held = 0

    def spend(self, numbers: int) -> None:
        """Counts numbers that are kept, so that a small file can't ask for endless memory."""
        self._budget_left -= numbers
        if self._budget_left < 0:
            raise CompileError("the network, with all that is made of its weights, is too large")

    def add(self, name: str, shape: Shape, format: Format) -> str:
        """A new tensor, of a name like `name`."""
        return self.keep(Tensor(name, shape, format.type, format.scales, format.zero_point))

    def keep(self, tensor: Tensor) -> str:
        """Under its name, or one like it. Raises CompileError where all become too large."""
        self._numbers_held += tensor.size
        if self._numbers_held > _MAX_HELD:
            raise CompileError(
                f"{shown(tensor.name)}: with it, its tensors have {self._numbers_held:,} numbers "
                f"for one image; up to {_MAX_HELD:,} are supported"
            )
        name = base = shown(tensor.name)
        while name in self.tensors:
            self._taken[base] = self._taken.get(base, 1) + 1
            name = f"{base}#{self._taken[base]}"
        self.tensors[name] = replace(tensor, name=name)
        return name

    def format(self, tensor: str) -> Format:
        return format_of_tensor(self.tensors[tensor])

    def scales(self, tensor: str) -> tuple[Fraction, ...]:
        """One, or one for each channel."""
        return tuple(exact(scale) for scale in self.tensors[tensor].scale)

    def originates(self, tensor: str, name: str, shape: Shape, slack: Fraction) -> None:
        """Notes the tensor of the ONNX file that `tensor` must agree with."""
        origin = Origin(name, shape, float(slack), self.moved.get(tensor, ()))
        self.origins[tensor] = (*self.origins.get(tensor, ()), origin)

    def seen(self, ref: TensorRef) -> str:
        """The tensor in the shape in which it is seen."""
        tensor = self.tensors[ref.tensor]
        if tensor.shape == ref.shape:
            return ref.tensor
        if (ref.tensor, ref.shape) not in self._reshaped:
            scale = tensor.scale
            if len(scale) > 1 and len(ref.shape) == 3 and ref.shape[0] != len(scale):
                raise CompileError(
                    f"{shown(tensor.name)}: it has a scale for each channel, so that it can't be "
                    f"seen as {[*ref.shape]}"
                )
            if len(scale) > 1 and len(ref.shape) != 3:  # each channel is several numbers now
                scale = tuple(np.repeat(scale, tensor.size // len(scale)).tolist())
            output = self.keep(replace(tensor, shape=ref.shape, scale=scale))
            self.nodes.append(Reshape(output, ref.tensor, output))
            self._reshaped[ref.tensor, ref.shape] = output
        return self._reshaped[ref.tensor, ref.shape]

    def place(self, name: str, deferred: Deferred, format: Format) -> TensorRef:
        """Adds nodes that end in `format`, in a tensor called `name`, or like it."""
        between, last = f"before {name}", len(deferred.steps)
        tensor = deferred.core.lower(self, between if last else name, deferred.limits, format)
        for number, step in enumerate(deferred.steps, start=1):
            before = tensor
            tensor = step.lower(self, name if number == last else between, before)
            self.moved[tensor] = self.moved.get(before, ())
        return TensorRef(tensor, deferred.shape)

    def settled(self, value: TensorRef | Deferred) -> TensorRef | None:
        """A tensor that holds `value` with nothing to be rounded; None where there is none."""
        if isinstance(value, TensorRef):
            return value
        if self.held:
            return self.place(value.core.where, value, self.held)
        unrounded = value.core.unrounded(self)
        if unrounded is None or not boundary.held(value.limits, value.steps, unrounded[1]):
            return None
        core, format = unrounded
        return self.place(core.where, replace(value, core=core), format)


@dataclass(frozen=True)
class IdentityExpr(Expr):
    """A tensor as it is, to be held in another format."""

    where: str
    input: str
    shape: Shape

    def lower(self, builder: Builder, name: str, limits: Limits, format: Format) -> str:
        if format.type == "float32":
            if limits == FREE:
                return self.input
            output = builder.add(name, self.shape, format)
            builder.nodes.append(Clamp(self.where, self.input, output, *limits.floats))
            return output
        low, high = boundary.integers(self.where, limits, format)
        if builder.format(self.input) == format and (low, high) == LIMITS[format.type]:
            return self.input
        ratios = step_ratios(builder, self.input, format)
        factors = tuple(multiplier(ratio, self.where) for ratio in ratios)
        output = builder.add(name, self.shape, format)
        requantize = Requantization(factors, format.zero_point, low, high)
        builder.nodes.append(Requantize(self.where, self.input, output, requantize))
        return output

    def unrounded(self, builder: Builder) -> tuple[Expr, Format]:
        return self, builder.format(self.input)


def step_ratios(builder: Builder, tensor: str, format: Format) -> tuple[Fraction, ...]:
    """Steps of `format` that a step of the tensor is: one for all channels, or one for each."""
    own, wanted = builder.scales(tensor), [exact(scale) for scale in format.scales]
    channels = max(len(own), len(wanted))
    pairs = zip(
        own if len(own) > 1 else own * channels,
        wanted if len(wanted) > 1 else wanted * channels,
        strict=True,
    )
    ratios = tuple(before / after for before, after in pairs)
    return ratios[:1] if len({*ratios}) == 1 else ratios


def step_ratio(builder: Builder, where: str, tensor: str, format: Format) -> Fraction:
    """The one ratio of all channels. Raises CompileError where they differ."""
    return boundary.alike(where, step_ratios(builder, tensor, format))
