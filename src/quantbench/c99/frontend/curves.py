"""Element-wise functions of values that nothing rounds: tables over a grid of real numbers.

docs/arithmetic.md, "Sums that nothing rounds", derives the grid and the bounds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from quantbench.c99.frontend.builder import Builder, Expr
from quantbench.c99.frontend.formats import FREE, Format, Limits
from quantbench.c99.frontend.mixing import FINE, Reach, fine_format
from quantbench.c99.ir.error_bounds import UNIT
from quantbench.c99.ir.functions import Function, Operation, as_float32
from quantbench.c99.ir.graph import LIMITS, Reals, Shape
from quantbench.c99.nodes.curve import Curve, Grid, Numbers
from quantbench.errors import CompileError
from quantbench.numerics.fixed_point import Integers, exact

_LEAST, _MOST = 2**6, 2**16
"""Numbers of a grid."""
_COARSE = 2**12
_PART_OF_STEP = 1 / 16
"""The most that half a place of the grid may move a result of 8 bits, in steps."""
_FINE_STEPS = 2.0
"""The same for results of 32 bits, where no scale of 8 bits follows."""
_MAX_COST = 64
_SPENT = 2**18
"""The cost of finding a grid: see Builder.spend."""
_MULTIPLIER, _LARGEST_SHIFT = 2**31, 45
_BY_CHANNEL = 2**22
"""The integers of up to 32 bits that are rounded to a scale for each channel."""


def unchanged(reals: Reals, errors: Reals) -> tuple[Reals, Reals]:
    """The numbers themselves, in float32."""
    return as_float32(reals), errors + np.abs(reals) * UNIT


@dataclass(frozen=True, eq=False)
class CurveExpr(Expr):
    """A function of a tensor of 32 bits."""

    where: str
    input: str
    shape: Shape
    of: Numbers
    words: tuple[str, ...] = ()
    """The names of the operators that it is made of."""
    cost: int = 1
    """The functions that one evaluation takes."""

    def then(self, where: str, function: Function) -> CurveExpr:
        """The function of these numbers."""

        def of(reals: Reals, errors: Reals) -> tuple[Reals, Reals]:
            values, off = self.of(reals, errors)
            return function.rounded(values), function.error(values, off)

        return self._of(where, of, (*self.words, function.words), self.cost + 1)

    def within(self, limits: Limits) -> CurveExpr:
        """These numbers, clamped."""
        if limits == FREE:
            return self

        def of(reals: Reals, errors: Reals) -> tuple[Reals, Reals]:
            values, off = self.of(reals, errors)
            ends = values - off, values, values + off
            lower, cut, upper = (np.clip(end, *limits.floats) for end in ends)
            return cut, np.maximum(upper - cut, cut - lower)

        return replace(self, of=of)

    def combined(self, where: str, other: CurveExpr, operation: Operation) -> CurveExpr:
        """An operation on two functions of the same tensor."""

        def of(reals: Reals, errors: Reals) -> tuple[Reals, Reals]:
            (a, e), (b, f) = self.of(reals, errors), other.of(reals, errors)
            return operation.rounded(a, b), operation.error((a, b), (e, f))

        words = tuple(dict.fromkeys((*self.words, *other.words)))
        return self._of(where, of, (*words, operation.words), self.cost + other.cost)

    def _of(self, where: str, of: Numbers, words: tuple[str, ...], cost: int) -> CurveExpr:
        if cost > _MAX_COST:
            raise CompileError(
                f"{where}: its input isn't quantized, after as many operators on one tensor as are "
                "supported without a QuantizeLinear between them"
            )
        return replace(self, where=where, of=of, words=words, cost=cost)

    def reach(self, builder: Builder) -> Reach | None:
        grid = _spread(builder.reach(self.input), _COARSE)
        values, errors = self.of(grid.reals, np.full(grid.count, grid.step / 2))
        low, high = float((values - errors).min()), float((values + errors).max())
        return (low, high) if math.isfinite(low) and math.isfinite(high) else None

    def takes_zero_points(self, limits: Limits) -> bool:  # noqa: ARG002
        return True

    def lower(self, builder: Builder, name: str, limits: Limits, format: Format) -> str:
        if format.by_channel or format.raised:
            return self._by_channel(builder, name, limits, format)
        allowed = _FINE_STEPS if format.type == "int32" else _PART_OF_STEP
        return self.within(limits)._added(builder, name, format, allowed)

    def _added(self, builder: Builder, name: str, format: Format, allowed: float) -> str:
        """Add the node; `allowed`: what half a place of its grid may move a result, in steps."""
        builder.spend(_SPENT)
        output = builder.add(name, self.shape, format)
        builder.nodes.append(self._node(builder, output, format, allowed))
        return output

    def _by_channel(self, builder: Builder, name: str, limits: Limits, format: Format) -> str:
        """A table of 32 bits, then the scale and the zero point of each channel."""
        reach = self.within(limits).reach(builder)
        if reach is None:
            raise self._no_numbers()
        ends = Limits(*(exact(end) for end in _ends(format)))
        cut = ends.within(reach)
        fine = fine_format(self.where, cut)
        finer = Format(float(np.float32(fine.scale * FINE / _BY_CHANNEL)), 0, "int32")
        allowed = _PART_OF_STEP * min(format.scales) / finer.scale
        curve = self.within(limits).within(ends)
        held = curve._added(builder, f"before {name}", finer, allowed)
        builder.reaches[held] = cut
        return builder.mixed(self.where, (held,), name, FREE, format)

    def _node(self, builder: Builder, output: str, format: Format, allowed: float) -> Curve:
        """The table on the coarsest grid that is fine enough, of what isn't constant."""
        low, high = builder.reach(self.input)
        grid = _spread((low, high), _COARSE)
        low, high = self._changing(grid, format)
        count = _LEAST
        while True:
            grid = _spread((low, high), count)
            integers, _, off = self._integers(grid, format)
            if off.max() <= allowed or count >= _MOST:
                break
            count *= 2
        if off.max() > 0.5 and format.type != "int32":
            raise CompileError(
                f"{self.where}: as a function of sums that nothing quantizes it is too steep: a "
                f"table of {_MOST:,} numbers would be {off.max():.2g} steps off"
            )
        scales = builder.scales(self.input)
        factors = [scale / exact(grid.step) for scale in scales]
        factors = factors[:1] if len({*factors}) == 1 else factors
        shift = _LARGEST_SHIFT
        while max(factors) * 2**shift >= _MULTIPLIER - 1:
            shift -= 1
        if shift < 1:
            raise CompileError(f"{self.where}: the scale of its input is far too large")
        multipliers = np.array([round(factor * 2**shift) for factor in factors], np.int64)
        return Curve(
            self.where, self.input, output, integers, grid, multipliers, shift, self.of,
            self.words, builder.moved.get(self.input, ()),
        )  # fmt: skip

    def _integers(self, grid: Grid, format: Format) -> tuple[Integers, Reals, Reals]:
        """At each place: the output's integer, its exact number of steps, and how far it is off."""
        values, errors = self.of(grid.reals, np.full(grid.count, grid.step / 2))
        if np.isnan(values).any():
            raise self._no_numbers()
        low, high = (end - format.zero_point for end in LIMITS[format.type])
        with np.errstate(all="ignore"):
            steps = values / format.scale
            spread = np.nan_to_num(errors / format.scale, nan=np.inf)
            lower, upper = (np.clip(steps + side * spread, low, high) for side in (-1, 1))
        ends = np.clip(steps, low, high)
        off = np.maximum(upper - ends, ends - lower)
        return (np.rint(ends) + format.zero_point).astype(np.int64), ends, off

    def _changing(self, grid: Grid, format: Format) -> Reach:
        """The interval outside of which the output is surely the integer at its ends."""
        integers, ends, off = self._integers(grid, format)
        zero = integers - np.rint(ends)
        lowest, highest = np.rint(ends - off) + zero, np.rint(ends + off) + zero
        reals = grid.reals
        sure = (lowest == integers) & (highest == integers)
        before = int(np.argmin((integers == integers[0]) & sure))
        behind = grid.count - 1 - int(np.argmin(((integers == integers[-1]) & sure)[::-1]))
        if behind < before or before == 0 == behind:
            return float(reals[0]), float(reals[-1])
        return float(reals[max(before - 1, 0)]), float(reals[min(behind + 1, grid.count - 1)])

    def _no_numbers(self) -> CompileError:
        return CompileError(
            f"{self.where}: some values of its input have no result, such as the logarithm of a "
            "number below 0; an input that reaches none of them is supported"
        )


def _spread(reach: Reach, count: int) -> Grid:
    """The grid of powers of two over an interval, with at most `count` places and a few."""
    low, high = reach
    step = 2.0 ** math.ceil(math.log2(max(high - low, 2.0**-60) / count))
    first, last = math.floor(low / step), math.ceil(high / step)
    return Grid(step, first, last - first + 1)


def _ends(format: Format) -> Reach:
    """The real numbers that the channels with the largest scale can hold."""
    low, high = LIMITS[format.type]
    zeros = format.zero_points
    return format.scale * (low - max(zeros)), format.scale * (high - min(zeros))
