"""The graph under construction, and the expressions that wait until their format is known.

Nothing is rounded, and no node added, before a QuantizeLinear gives the scale: until then a layer
and all that follows it are an expression of real numbers. In a float32 network an expression waits
for operators that can be fused into it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar

import numpy as np

from quantbench.c99.frontend import boundary
from quantbench.c99.frontend.formats import FREE, Format, Limits, format_of_tensor
from quantbench.c99.frontend.mixing import Reach, fine_format, mix, reach_of
from quantbench.c99.frontend.reader import shown
from quantbench.c99.ir.graph import (
    LIMITS,
    Node,
    Origin,
    Requantization,
    Shape,
    Tensor,
    image_shape,
)
from quantbench.c99.ir.sizes import MAX_NUMBERS
from quantbench.c99.nodes.clamp import Clamp
from quantbench.c99.nodes.layer import Layer
from quantbench.c99.nodes.limit import Limit, exceeds
from quantbench.c99.nodes.requantize import Requantize
from quantbench.c99.nodes.reshape import Reshape
from quantbench.errors import CompileError
from quantbench.numerics.fixed_point import exact, multiplier

COST = 1000
"""The cost of an exact factor in `spend`, where a weight costs 1."""
_BUDGET = 2**28
_MAX_HELD = MAX_NUMBERS
"""The most numbers that all tensors hold together."""


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
        """Add the expression's nodes; returns its tensor, in `format` and within `limits`."""

    def takes_zero_points(self, limits: Limits) -> bool:  # noqa: ARG002
        """Whether `lower` takes a format whose zero points differ by channel."""
        return False

    def sums(self, builder: Builder, name: str, limits: Limits) -> str | None:  # noqa: ARG002
        """Add the expression's nodes up to its int32 accumulators, and return their tensor.

        None where it has none, or none that the limits leave as they are.
        """
        return None

    def unrounded(self, builder: Builder) -> tuple[Expr, Format] | None:  # noqa: ARG002
        """The expression with its parts held, and the format in which it needs no rounding.

        None where every format would round it.
        """
        return None

    def reach(self, builder: Builder) -> Reach | None:  # noqa: ARG002
        """The lowest and the highest real number that it can give; None where that isn't known."""
        return None

    def as_words(self, builder: Builder, name: str, limits: Limits) -> str | None:
        """Add the expression's nodes up to integers of 32 bits, exact or fine; their tensor.

        None where it has no such form.
        """
        reach = self.reach(builder)
        if reach is None:
            return None
        reach = limits.within(reach)
        tensor = self.lower(builder, name, limits, fine_format(self.where, reach))
        builder.reaches[tensor] = reach
        return tensor

    @property
    def joined(self) -> tuple[TensorRef | Deferred, ...]:
        """The values of which the channels are made, one behind the other; () where it is one."""
        return ()

    def joining(self, parts: tuple[TensorRef | Deferred, ...]) -> Expr:  # noqa: ARG002
        """The expression of other values. Raises ValueError where it has none."""
        raise ValueError(f"{self.where}: it joins nothing")


class PostStep(ABC):
    """A step behind a rounding that gives the same before it. Subclasses are frozen dataclasses."""

    where: str
    shape: Shape
    keeps_channels: ClassVar[bool] = True
    """Whether the values of a channel stay in it."""

    @abstractmethod
    def lower(self, builder: Builder, name: str, tensor: str) -> str:
        """Add the step's node behind `tensor`; returns its output's name, in the same format."""

    def clipped(self, limits: Limits) -> PostStep:  # noqa: ARG002
        """The step as it is with an activation behind it."""
        return self

    def before(self, format: Format, shape: Shape) -> Format:  # noqa: ARG002
        """The format that values of `shape` need before the step, to have `format` behind it."""
        return format

    def with_shape(self, shape: Shape) -> PostStep:  # noqa: ARG002
        """The step where its output is seen in `shape`; itself where it gives images only."""
        return self

    @property
    def constants(self) -> tuple[Fraction, ...]:
        """Real numbers that the output contains whatever the input is."""
        return ()


class Anywhere(PostStep):
    """A step that only moves values, of however many bits."""


@dataclass(frozen=True)
class Deferred:
    """A value that isn't rounded yet: `core` within `limits`, then `steps`, seen in `shape`."""

    core: Expr
    shape: Shape
    limits: Limits = FREE
    steps: tuple[PostStep, ...] = ()
    slack: Fraction = Fraction(0)
    """A bound, in real numbers, of how far the dropped roundings would have moved a value."""
    grid: Format | None = None
    """The format of the last dropped rounding, while no pooling has followed it."""

    @property
    def plain(self) -> bool:
        """Whether no step follows the core, and none of its dimensions was changed."""
        return not self.steps and image_shape(self.shape) == image_shape(self.core.shape)


class Builder:
    """The tensors, each with a unique name, and the nodes of a graph under construction.

    `held`: the format in which any value may be stored without rounding: float32 in a float32
    network, None in one of integers.
    """

    def __init__(self, held: Format | None) -> None:
        self.held = held
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self.origins: dict[str, tuple[Origin, ...]] = {}
        self.moved: dict[str, tuple[float, ...]] = {}
        """Tensor -> how far coarser integers may have moved each channel: see fitting.py."""
        self.reaches: dict[str, Reach] = {}
        """Tensor of 32 bits -> the real numbers that it can hold."""
        self._fine: dict[str, str] = {}
        self._reshaped: dict[tuple[str, Shape], str] = {}
        self._taken: dict[str, int] = {}
        self._budget_left = _BUDGET
        self._numbers_held = 0

    def spend(self, numbers: int) -> None:
        """Count numbers that are kept, so that a small file can't ask for endless memory.

        Raises CompileError beyond 2**28.
        """
        self._budget_left -= numbers
        if self._budget_left < 0:
            raise CompileError("the network, with all that is made of its weights, is too large")

    def add(self, name: str, shape: Shape, format: Format) -> str:
        """Add a tensor, with a unique name derived from `name`, and return that name."""
        tensor = Tensor(name, shape, format.type, format.scales, format.zero_point, format.raised)
        return self.keep(tensor)

    def keep(self, tensor: Tensor) -> str:
        """Add the tensor, with a unique name derived from its own, and return that name.

        Raises CompileError where all tensors together become too large.
        """
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
        """The number format of a tensor."""
        return format_of_tensor(self.tensors[tensor])

    def scales(self, tensor: str) -> tuple[Fraction, ...]:
        """The exact scales of a tensor: one, or one for each channel."""
        return tuple(exact(scale) for scale in self.tensors[tensor].scale)

    def originates(
        self, tensor: str, name: str, shape: Shape, slack: Fraction, raised: tuple[int, ...] = ()
    ) -> None:
        """Record the tensor of the ONNX file that `tensor` must agree with."""
        origin = Origin(name, shape, float(slack), self.moved.get(tensor, ()), raised)
        self.origins[tensor] = (*self.origins.get(tensor, ()), origin)

    def seen(self, ref: TensorRef) -> str:
        """The name of the tensor as layers see it: a signal [C, L] as an image [C, 1, L]."""
        return self.seen_exactly(replace(ref, shape=image_shape(ref.shape)))

    def seen_exactly(self, ref: TensorRef) -> str:
        """The name of the tensor in the shape in which it is seen; a Reshape is added if needed."""
        tensor = self.tensors[ref.tensor]
        if tensor.shape == ref.shape:
            return ref.tensor
        if (ref.tensor, ref.shape) not in self._reshaped:
            scale = tensor.scale
            if len(scale) > 1 and len(ref.shape) > 1 and ref.shape[0] != len(scale):
                raise CompileError(
                    f"{shown(tensor.name)}: it has a scale for each channel, so that it can't be "
                    f"seen as {[*ref.shape]}"
                )
            if len(scale) > 1 and len(ref.shape) == 1:  # each channel is several numbers now
                scale = tuple(np.repeat(scale, tensor.size // len(scale)).tolist())
            output = self.keep(replace(tensor, shape=ref.shape, scale=scale))
            self.nodes.append(Reshape(output, ref.tensor, output))
            self._reshaped[ref.tensor, ref.shape] = output
        return self._reshaped[ref.tensor, ref.shape]

    def place(self, name: str, deferred: Deferred, format: Format) -> TensorRef:
        """Add the nodes of `deferred`; returns its tensor in `format`, named `name` or like it."""
        between, last = f"before {name}", len(deferred.steps)
        shapes = [deferred.core.shape, *(step.shape for step in deferred.steps)]
        raised, format = format.raised, replace(format, raised=())
        for step, shape in reversed([*zip(deferred.steps, shapes, strict=False)]):
            format = step.before(format, shape)
        tensor = deferred.core.lower(self, between if last else name, deferred.limits, format)
        for number, step in enumerate(deferred.steps, start=1):
            before = tensor
            tensor = step.lower(self, name if number == last else between, before)
            moved = self.moved.get(before, ())
            self.moved[tensor] = moved if step.keeps_channels else moved and (max(moved),)
        if raised:
            tensor = self._limited(deferred.core.where, name, tensor, raised)
        return TensorRef(tensor, deferred.shape)

    def reach(self, tensor: str) -> Reach:
        """The lowest and the highest real number that a tensor of integers can hold."""
        return self.reaches.get(tensor) or reach_of(self.tensors[tensor])

    def mixed(
        self, where: str, inputs: tuple[str, ...], name: str, limits: Limits, format: Format
    ) -> str:
        """The sum of tensors of one shape, of 8 or 32 bits, rounded to `format` once."""
        shape = self.tensors[inputs[0]].shape
        given = [(self.tensors[tensor], self.reach(tensor)) for tensor in inputs]
        ends = boundary.integers(where, limits, format)
        node = mix(where, given, self.add(name, shape, format), format, ends)
        self.nodes.append(node)
        coarser = [self.moved[tensor] for tensor in inputs if self.moved.get(tensor)]
        if coarser:
            moved = np.sum(np.broadcast_arrays(*coarser), axis=0)
            self.moved[node.output] = tuple(float(real) for real in moved)
        return node.output

    def fine(self, where: str, tensor: str) -> str:
        """The tensor, or for sums of 32 bits their integers of up to 2**15 with one scale."""
        held, reach = self.tensors[tensor], self.reach(tensor)
        format = fine_format(where, reach)
        if held.type != "int32" or held.scale == format.scales:
            return tensor
        if tensor not in self._fine:
            fine = self.mixed(where, (tensor,), f"{tensor} rounded", FREE, format)
            self._fine[tensor], self.reaches[fine] = fine, reach
        return self._fine[tensor]

    def widened(self, name: str, value: Deferred) -> TensorRef | None:
        """The tensor of 32 bits that holds a value which nothing rounds; None: it has no such form.

        Its integers are exact sums, or fine: docs/arithmetic.md, "Sums that nothing rounds".
        """
        if not all(isinstance(step, Anywhere) for step in value.steps):
            return None
        tensor = value.core.as_words(self, name, value.limits)
        for step in value.steps if tensor else ():
            before = tensor
            assert before is not None
            tensor = step.lower(self, name, before)
            self.reaches[tensor] = self.reach(before)
            coarser = self.moved.get(before, ())
            self.moved[tensor] = coarser if step.keeps_channels else coarser and (max(coarser),)
        return None if tensor is None else TensorRef(tensor, value.shape)

    def _limited(self, where: str, name: str, tensor: str, raised: tuple[int, ...]) -> str:
        """The tensor with integers that end `raised` below the type's: itself if it is proved."""
        record = self.tensors[tensor]
        if record.shape[0] != len(raised):
            raise CompileError(f"{where}: {len(raised)} zero points don't fit {[*record.shape]}")
        highest = LIMITS[record.type][1] - np.array(raised, np.int64)
        maker = next((node for node in self.nodes if node.output == tensor), None)
        if isinstance(maker, Layer) and not exceeds(maker, self.tensors[maker.input], highest):
            return tensor
        output = self.keep(replace(record, name=name))
        self.moved[output] = self.moved.get(tensor, ())
        self.nodes.append(Limit(where, tensor, output, highest))
        return output

    def settled(self, value: TensorRef | Deferred) -> TensorRef | None:
        """The tensor that already holds `value` exactly, or None."""
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
    """An existing tensor, to be held in another format."""

    where: str
    input: str
    shape: Shape

    def takes_zero_points(self, limits: Limits) -> bool:
        return limits == FREE

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
        if format.raised or "int32" in (format.type, builder.tensors[self.input].type):
            return builder.mixed(self.where, (self.input,), name, limits, format)
        ratios = step_ratios(builder, self.input, format)
        factors = tuple(multiplier(ratio, self.where) for ratio in ratios)
        output = builder.add(name, self.shape, format)
        requantize = Requantization(factors, format.zero_point, low, high)
        builder.nodes.append(Requantize(self.where, self.input, output, requantize))
        return output

    def unrounded(self, builder: Builder) -> tuple[Expr, Format]:
        return self, builder.format(self.input)

    def reach(self, builder: Builder) -> Reach:
        return builder.reach(self.input)


@dataclass(frozen=True, eq=False)
class InputExpr(Expr):
    """An input of the network that is moved before it is rounded, which gives the same."""

    where: str
    name: str
    shape: Shape
    inputs: dict[str, str]
    """The tensor of each input that is quantized already: see Context."""

    def lower(self, builder: Builder, name: str, limits: Limits, format: Format) -> str:
        if self.name not in self.inputs:
            self.inputs[self.name] = builder.add(self.name, self.shape, format)
        tensor = self.inputs[self.name]
        if format.by_channel or builder.format(tensor) != format:
            raise CompileError(
                f"{self.where}: the input is quantized in two ways; one, with one scale, is "
                "supported"
            )
        return IdentityExpr(self.where, tensor, self.shape).lower(builder, name, limits, format)


def step_ratios(builder: Builder, tensor: str, format: Format) -> tuple[Fraction, ...]:
    """The tensor's step size divided by the step size of `format`: one ratio, or one by channel."""
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
    """The one ratio that all channels share. Raises CompileError where they differ."""
    return boundary.alike(where, step_ratios(builder, tensor, format))
