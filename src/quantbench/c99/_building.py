"""Nodes of integers, made from what was found of the ONNX network once its scales are known."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

from quantbench.c99 import _sums
from quantbench.c99._builder import COST, Builder
from quantbench.c99._fitting import Span, fitted
from quantbench.c99._values import (
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
)
from quantbench.c99.arithmetic import common_multipliers, exact, multiplier, require_word
from quantbench.c99.graph import (
    LIMITS,
    Add,
    Concat,
    Node,
    Pad,
    Pool,
    Requantize,
    Rescale,
    Reshape,
    Tensor,
)
from quantbench.errors import CompileError

_MOST_COUNTED = 4096
"""Places of an average that leaves out its pads: it has a multiplier for each number of them."""


class IntegerBuilder(Builder):
    """The integer graph while it grows."""

    def __init__(self) -> None:
        super().__init__()
        self.nodes: list[Node] = []

    def add(self, name: str, shape: Shape, format: Format) -> str:
        """A tensor of a name like `name`."""
        scale, zero_point = (format.scale,), format.zero_point
        return self.keep(Tensor(name, shape, format.type, scale, zero_point))

    def format(self, tensor: str) -> Format:
        found = self.tensors[tensor]
        return Format(found.scale[0], found.zero_point, found.type)

    def reshape(self, node: Reshape) -> None:
        self.nodes.append(node)

    def place(self, name: str, pending: Pending, format: Format) -> Real:
        """Nodes that end in integers of `format`, in a tensor called `name`, or like it."""
        between, last = f"before {name}", len(pending.steps)
        tensor = self._core(between if last else name, pending.core, pending.limits, format)
        for at, step in enumerate(pending.steps, start=1):
            tensor = self._step(name if at == last else between, step, tensor)
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
        if len(found) > 1 or not all(_held(value, format) for format in found):
            return None
        return self.place(core.where, replace(value, core=core), found.pop())

    def accumulators(self, name: str, pending: Pending) -> Real:
        """The 32 bits of the last layer, which nothing rounds. Raises CompileError for others."""
        if not isinstance(pending.core, Sums) or pending.steps:
            raise CompileError(
                f"{pending.core.where}: its output isn't quantized; only that of a last Conv, "
                "Gemm or MatMul may be left so"
            )
        core, limits = _sums.commuting(pending.core, pending.limits)
        core = self._fitted(core, None)
        if _sums.averaged(core) == 1:
            core, limits = replace(core, limits=limits), FREE
        if limits != FREE:
            raise CompileError(
                f"{core.where}: its output isn't quantized, as an activation behind an average "
                "needs it"
            )
        scale = tuple(float(one / _sums.averaged(core)) for one in core.scale)
        if not all(1e-38 < one < 1e38 for one in scale):
            raise CompileError(f"{core.where}: the scale of its output is no float32")
        scale = scale[:1] if len({*scale}) == 1 else scale
        output = self.keep(Tensor(name, core.shape, "int32", scale))
        self.nodes.append(_sums.node(core, self.tensors[core.input], output, None))
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
                core, limits = _sums.commuting(core, limits)
                core = self._fitted(core, _spans(format, len(core.scale)))
                factors = _sums.multipliers(core, exact(format.scale))
                requantize = Requantize(factors, format.zero_point, *_integers(limits, format))
                output = self.add(name, core.shape, format)
                self.nodes.append(_sums.node(core, self.tensors[core.input], output, requantize))
            case Mean():
                output = self.add(name, core.shape, format)
                self.nodes.append(self._mean(core, output, limits, format))
            case Total():
                output = self.add(name, core.shape, format)
                self.nodes.append(self._total(core, output, limits, format))
            case Same():
                return self._rescaled(name, core, limits, format)
            case Joined():
                free = _integers(limits, format) == LIMITS[format.type]
                between = f"before {name}"
                parts = tuple(self.seen(self._part(between, part, format)) for part in core.parts)
                output = self.add(name if free else between, core.shape, format)
                self.nodes.append(Concat(core.where, parts, output))
                joined = Same(core.where, output, core.shape)
                return self._rescaled(name, joined, limits, format)
        return output

    def _fitted(self, core: Sums, spans: tuple[Span, ...] | None) -> Sums:
        return fitted(core, self.tensors[core.input], _sums.averaged(core), spans)

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
        factor = self._factor(core.input, format)
        counts = range(most if core.count_pads else 1, most + 1)
        factors = tuple(multiplier(factor / count, core.where) for count in counts)
        requantize = Requantize(factors, format.zero_point, *_integers(limits, format))
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
            self._factor(one, format), self._factor(other, format), core.where
        )
        low, high = _integers(limits, format)
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
        low, high = _integers(limits, format)
        if self.format(core.input) == format and (low, high) == LIMITS[format.type]:
            return core.input
        factor = multiplier(self._factor(core.input, format), core.where)
        output = self.add(name, core.shape, format)
        requantize = Requantize((factor,), format.zero_point, low, high)
        self.nodes.append(Rescale(core.where, core.input, output, requantize))
        return output

    def _step(self, name: str, step: Padded | Largest, tensor: str) -> str:
        format = self.format(tensor)
        output = self.add(name, step.shape, format)
        if isinstance(step, Padded):
            value = _integer(step.value, format)
            self.nodes.append(Pad(step.where, tensor, output, step.pads, value))
        else:
            self.nodes.append(Pool(step.where, tensor, output, "max", step.window, False, None))
        return output

    def _factor(self, tensor: str, format: Format) -> Fraction:
        """From steps of the tensor to steps of `format`."""
        return self.scale(tensor) / exact(format.scale)


def _spans(format: Format, channels: int) -> tuple[Span, ...]:
    """What each channel of an output in this format holds."""
    step = exact(format.scale)
    low, high = (step * (limit - format.zero_point) for limit in LIMITS[format.type])
    return (Span(step, low, high),) * channels


def _integer(real: Fraction, format: Format) -> int:
    """The nearest that the format holds."""
    low, high = LIMITS[format.type]
    steps = math.floor(real / exact(format.scale) + Fraction(1, 2))
    return min(max(format.zero_point + steps, low), high)


def _integers(limits: Limits, format: Format) -> tuple[int, int]:
    low, high = LIMITS[format.type]
    return (
        low if limits.low is None else _integer(limits.low, format),
        high if limits.high is None else _integer(limits.high, format),
    )


def _held(pending: Pending, format: Format) -> bool:
    """Whether its limits and its paddings are among the real numbers of `format`."""
    low, high = (exact(format.scale) * (limit - format.zero_point) for limit in LIMITS[format.type])
    reals = [step.value for step in pending.steps if isinstance(step, Padded)]
    limits = pending.limits
    if limits.low is not None and limits.low > low:
        reals.append(limits.low)
    if limits.high is not None and limits.high < high:
        reals.append(limits.high)
    return all(
        low <= real <= high and (real / exact(format.scale)).denominator == 1 for real in reals
    )
