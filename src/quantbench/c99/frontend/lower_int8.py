"""Nodes of integers, made from what was found of the ONNX network once its scales are known."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

from quantbench.c99.frontend import boundary, linear
from quantbench.c99.frontend.builder import COST, Builder
from quantbench.c99.frontend.fitting import Span, fitted, moved
from quantbench.c99.frontend.values import (
    FREE,
    Format,
    Joined,
    Largest,
    Limits,
    Mean,
    Padded,
    Pending,
    Real,
    Same,
    Shape,
    Sums,
    Total,
    format_of,
)
from quantbench.c99.ir.graph import (
    LIMITS,
    Add,
    Concat,
    Node,
    Origin,
    Pad,
    Pool,
    Requantize,
    Rescale,
    Reshape,
    Tensor,
)
from quantbench.errors import CompileError
from quantbench.numerics.fixed_point import (
    common_multipliers,
    exact,
    multiplier,
    require_word,
)

_MOST_COUNTED = 4096
"""Places of an average that leaves out its pads: it has a multiplier for each number of them."""


class IntegerBuilder(Builder):
    """The integer graph while it grows."""

    def __init__(self) -> None:
        super().__init__()
        self.nodes: list[Node] = []
        self.origins: dict[str, tuple[Origin, ...]] = {}
        self._moved: dict[str, tuple[float, ...]] = {}

    def add(self, name: str, shape: Shape, format: Format) -> str:
        """A tensor of a name like `name`."""
        return self.keep(Tensor(name, shape, format.type, format.scales, format.zero_point))

    def format(self, tensor: str) -> Format:
        found = self.tensors[tensor]
        return format_of(found.scale, Format(found.scale[0], found.zero_point, found.type))

    def reshape(self, node: Reshape) -> None:
        self.nodes.append(node)

    def originates(self, tensor: str, name: str, shape: Shape, slack: Fraction) -> None:
        """Notes the tensor of the ONNX file that `tensor` must agree with."""
        origin = Origin(name, shape, float(slack), self._moved.get(tensor, ()))
        self.origins[tensor] = (*self.origins.get(tensor, ()), origin)

    def place(self, name: str, pending: Pending, format: Format) -> Real:
        """Nodes that end in integers of `format`, in a tensor called `name`, or like it."""
        between, last = f"before {name}", len(pending.steps)
        tensor = self._core(between if last else name, pending.core, pending.limits, format)
        for at, step in enumerate(pending.steps, start=1):
            before, tensor = tensor, self._step(name if at == last else between, step, tensor)
            self._moved[tensor] = self._moved.get(before, ())
        return Real(tensor, pending.shape)

    def settled(self, value: Real | Pending) -> Real | None:
        """A tensor that holds it with nothing to be rounded; None where there is none."""
        if isinstance(value, Real):
            return value
        core = value.core
        if isinstance(core, Same):
            found = {self.format(core.input)}
        elif isinstance(core, Joined):
            reals = [self.settled(part) for part in core.parts]
            found = {self.format(real.tensor) for real in reals if real}
            core = replace(core, parts=tuple(real for real in reals if real))
            if None in reals:
                return None
        else:
            return None
        by_channel = isinstance(core, Joined) and any(format.by_channel for format in found)
        if (
            len(found) > 1
            or by_channel
            or not all(boundary.held(value, format) for format in found)
        ):
            return None
        return self.place(core.where, replace(value, core=core), found.pop())

    def accumulators(self, name: str, pending: Pending) -> Real:
        """The 32 bits of the last layer, which nothing rounds. Raises CompileError for others."""
        if not isinstance(pending.core, Sums) or pending.steps:
            raise CompileError(
                f"{pending.core.where}: its output isn't quantized; only that of a last Conv, "
                "Gemm or MatMul may be left so"
            )
        core, limits = linear.commuting(pending.core, pending.limits)
        core, shift = self._fitted(core, None)
        if linear.averaged(core) == 1:
            core, limits = replace(core, limits=limits), FREE
        if limits != FREE:
            raise CompileError(
                f"{core.where}: its output isn't quantized, as an activation behind an average "
                "needs it"
            )
        scale = tuple(float(one / linear.averaged(core)) for one in core.scale)
        if not all(1e-38 < one < 1e38 for one in scale):
            raise CompileError(f"{core.where}: the scale of its output is no float32")
        scale = scale[:1] if len({*scale}) == 1 else scale
        output = self.keep(Tensor(name, core.shape, "int32", scale))
        self._moved[output] = shift
        self.originates(output, name, pending.shape, pending.slack)
        self.nodes.append(linear.node(core, self.tensors[core.input], output, None))
        return Real(output, pending.shape)

    def _core(
        self,
        name: str,
        core: Sums | Mean | Total | Same | Joined,
        limits: Limits,
        format: Format,
    ) -> str:
        """The name of its tensor in `format`."""
        match core:
            case Sums():
                self.spend(core.weights.size + COST * len(core.weights))
                core, limits = linear.commuting(core, limits)
                core, shift = self._fitted(core, boundary.spans(format, len(core.scale)))
                alike = len({*boundary.ends(limits, format)}) == 1
                if linear.averaged(core) == 1 and not alike:
                    core, limits = replace(core, limits=limits), FREE
                factors = linear.multipliers(core, [exact(one) for one in format.scales])
                ends = boundary.integers(core.where, limits, format)
                requantize = Requantize(factors, format.zero_point, *ends)
                output = self.add(name, core.shape, format)
                self._moved[output] = shift
                self.nodes.append(linear.node(core, self.tensors[core.input], output, requantize))
            case Mean():
                output = self.add(name, core.shape, format)
                self.nodes.append(self._mean(core, output, limits, format))
            case Total():
                output = self.add(name, core.shape, format)
                self.nodes.append(self._total(core, output, limits, format))
            case Same():
                return self._rescaled(name, core, limits, format)
            case Joined():
                free = boundary.integers(core.where, limits, format) == LIMITS[format.type]
                between = f"before {name}"
                parts = self._parts(between, core, format)
                output = self.add(name if free else between, core.shape, format)
                self.nodes.append(Concat(core.where, parts, output))
                joined = Same(core.where, output, core.shape)
                return self._rescaled(name, joined, limits, format)
        return output

    def _fitted(self, core: Sums, spans: tuple[Span, ...] | None) -> tuple[Sums, tuple[float, ...]]:
        """Channels that fit 32 bits, and how far that may move real results."""
        coarse = fitted(core, self.tensors[core.input], linear.averaged(core), spans)
        return coarse, moved(core, coarse, spans)

    def _parts(self, name: str, core: Joined, format: Format) -> tuple[str, ...]:
        """Of a concatenation, each in its channels' part of the format."""
        found, begin = [], 0
        for part in core.parts:
            end = begin + part.shape[0]
            found.append(self.seen(self._part(name, part, format.of_channels(begin, end))))
            begin = end
        return tuple(found)

    def _part(self, name: str, part: Real | Pending, format: Format) -> Real:
        if isinstance(part, Real):
            core = Same(name, part.tensor, self.tensors[part.tensor].shape)
            part = Pending(core, part.shape)
        return self.place(name, part, format)

    def _mean(self, core: Mean, output: str, limits: Limits, format: Format) -> Pool:
        most = math.prod(core.window.kernel)
        if not core.count_pads and most > _MOST_COUNTED:
            raise CompileError(
                f"{core.where}: an average that leaves out its pads is supported up to "
                f"{_MOST_COUNTED:,} places"
            )
        require_word(255 * most, core.where)
        self.spend(COST * (1 if core.count_pads else most))
        factor = self._factor(core.where, core.input, format)
        counts = range(most if core.count_pads else 1, most + 1)
        factors = tuple(multiplier(factor / count, core.where) for count in counts)
        ends = boundary.integers(core.where, limits, format)
        requantize = Requantize(factors, format.zero_point, *ends)
        return Pool(
            name=core.where,
            input=core.input,
            output=output,
            kind="average",
            window=core.window,
            count_pads=core.count_pads,
            requantize=requantize,
        )

    def _total(self, core: Total, output: str, limits: Limits, format: Format) -> Add:
        one, other = core.inputs
        m1, m2, shift = common_multipliers(
            self._factor(core.where, one, format),
            self._factor(core.where, other, format),
            core.where,
        )
        low, high = boundary.integers(core.where, limits, format)
        return Add(
            name=core.where,
            inputs=core.inputs,
            output=output,
            multipliers=(m1, m2),
            shift=shift,
            zero_points=(self.tensors[one].zero_point, self.tensors[other].zero_point),
            zero_point=format.zero_point,
            low=low,
            high=high,
        )

    def _rescaled(self, name: str, core: Same, limits: Limits, format: Format) -> str:
        low, high = boundary.integers(core.where, limits, format)
        if self.format(core.input) == format and (low, high) == LIMITS[format.type]:
            return core.input
        every = self._factors(core.input, format)
        factors = tuple(multiplier(factor, core.where) for factor in every)
        output = self.add(name, core.shape, format)
        requantize = Requantize(factors, format.zero_point, low, high)
        self.nodes.append(Rescale(core.where, core.input, output, requantize))
        return output

    def _step(self, name: str, step: Padded | Largest, tensor: str) -> str:
        format = self.format(tensor)
        output = self.add(name, step.shape, format)
        if isinstance(step, Padded):
            value = boundary.alike(
                step.where, [boundary.integer(step.value, format, one) for one in format.scales]
            )
            self.nodes.append(Pad(step.where, tensor, output, step.pads, value))
        else:
            self.nodes.append(Pool(step.where, tensor, output, "max", step.window, False, None))
        return output

    def _factors(self, tensor: str, format: Format) -> tuple[Fraction, ...]:
        """From steps of the tensor to steps of `format`: one, or one for each channel."""
        given, wanted = self.scales(tensor), [exact(one) for one in format.scales]
        channels = max(len(given), len(wanted))
        every = zip(
            given if len(given) > 1 else given * channels,
            wanted if len(wanted) > 1 else wanted * channels,
            strict=True,
        )
        factors = tuple(one / other for one, other in every)
        return factors[:1] if len({*factors}) == 1 else factors

    def _factor(self, where: str, tensor: str, format: Format) -> Fraction:
        """As `_factors`, where one is for all channels."""
        return boundary.alike(where, self._factors(tensor, format))
