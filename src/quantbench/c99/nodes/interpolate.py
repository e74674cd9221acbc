"""A linear interpolation of an image's height and width to any places."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from quantbench.c99.emit.c_syntax import array
from quantbench.c99.ir import tolerance
from quantbench.c99.ir.code import Code
from quantbench.c99.ir.error_bounds import TINY, UNIT, gamma
from quantbench.c99.ir.graph import Graph, OneInput, Reals, Step, Tensors, Values
from quantbench.c99.ir.wide import helpers, suffix
from quantbench.numerics.fixed_point import Integers

_MAX_UNIT = 2**11
"""The most that the weights of two places add up to."""
_TERMS = 8


@dataclass(frozen=True, eq=False)
class Axis:
    """The places between which each output along an axis lies, and the second's weight.

    Integers have whole weights, which add up to `unit`; float32 has the second's `part` of 1.
    """

    first: Integers
    second: Integers
    weight: Integers
    unit: int
    part: Reals
    lost: float
    """The most by which a whole weight differs from the file's, or a float32 runtime's, of 1."""

    @classmethod
    def at(cls, positions: Sequence[Fraction], size: int) -> Axis:
        """The outputs at these positions, which are clamped to an axis of `size` places."""
        inside = [min(max(position, Fraction(0)), Fraction(size - 1)) for position in positions]
        first = [min(math.floor(position), max(size - 2, 0)) for position in inside]
        beyond = [position - place for position, place in zip(inside, first, strict=True)]
        exact_unit = math.lcm(*(part.denominator for part in beyond))
        unit = min(exact_unit, _MAX_UNIT)
        rounding = 0.0 if unit == exact_unit else 0.5 / unit
        return cls(
            first=np.array(first, np.int64),
            second=np.minimum(np.array(first, np.int64) + 1, size - 1),
            weight=np.array([round(part * unit) for part in beyond], np.int64),
            unit=unit,
            part=np.array([float(part) for part in beyond]),
            lost=rounding + (size + 1) * _TERMS * UNIT,
        )

    @property
    def weights(self) -> Integers:
        """The weights of both places, [2, outputs], that add up to `unit`."""
        return np.stack([self.unit - self.weight, self.weight])

    @property
    def parts(self) -> Reals:
        """The same in real numbers, which add up to 1."""
        return np.stack([1 - self.part, self.part])

    def table(self) -> Integers:
        """Both places and the second's weight of each output, [outputs, 3]."""
        return np.stack([self.first, self.second, self.weight], axis=1)


@dataclass(frozen=True, eq=False)
class Interpolate(OneInput):
    """Sums of four neighbours, less the zero point, times whole weights; in float32 their mean.

    The sums are int32, and their scale is that of the input divided by the units of both axes.
    """

    name: str
    input: str
    output: str
    rows: Axis
    columns: Axis

    @property
    def _units(self) -> int:
        return self.rows.unit * self.columns.unit

    def evaluate(self, graph: Graph, values: Tensors) -> Values:
        if graph.is_float32:
            return self._means(values[self.input])
        away = values[self.input] - graph.tensors[self.input].zero_point
        return self._sums(away, self.rows.weights, self.columns.weights)

    def _sums(self, values: Values, of_rows: Values, of_columns: Values) -> Values:
        """The sums of images [N, C, H, W] times the weights of both places, [2, outputs]."""
        rows, columns, (up, down), (left, right) = self.rows, self.columns, of_rows, of_columns
        across = values[..., columns.first] * left + values[..., columns.second] * right
        above, below = across[..., rows.first, :], across[..., rows.second, :]
        return np.asarray(above * up[:, None] + below * down[:, None])

    def _means(self, values: Values) -> Reals:
        return self._sums(values.astype(np.float64), self.rows.parts, self.columns.parts)

    def _corners(self, values: Values) -> Reals:
        """The sum of the four neighbours of each output."""
        across = values[..., self.columns.first] + values[..., self.columns.second]
        return np.asarray(across[..., self.rows.first, :] + across[..., self.rows.second, :])

    def float32_error(self, graph: Graph, values: Tensors, errors: Tensors) -> Reals:
        error = errors[self.input]
        largest = np.abs(values[self.input]) + error
        of_sum = gamma(_TERMS) * self._means(largest) + _TERMS * TINY
        return np.asarray(self._means(error) + of_sum)

    def excess(self, graph: Graph, values: Tensors) -> Reals:
        sizes = np.abs(values[self.input] - graph.tensors[self.input].zero_point)
        of_sum = self._means(sizes) * (UNIT * (_TERMS + tolerance.EXTRA))
        lost = self._corners(sizes) * (self.rows.lost + self.columns.lost)
        return np.asarray((of_sum + lost) * self._units + tolerance.MARGIN)

    def carried(self, graph: Graph, values: Tensors, before: Tensors) -> Reals:
        passed = self._means(before[self.input]) * self._units
        return np.asarray(self.excess(graph, values) + passed)

    def emit(self, step: Step) -> Code:
        source, output, name = step.inputs[0], step.output, step.identifier
        axes = {f"{name}_rows": self.rows, f"{name}_columns": self.columns}
        channels, _, width = source.shape
        if output.type == "float32":
            return _float32(step, axes)
        constants = "".join(array("int32_t", key, axis.table()) for key, axis in axes.items())
        numbers = (
            source.at, *axes, output.at, width, channels, source.zero_point, *output.shape[1:],
            self.rows.unit, self.columns.unit,
        )  # fmt: skip
        kernel = f"interpolate_{suffix(source.type)}"
        call = f"model_{kernel}({', '.join(map(str, numbers))});"
        kernels = (*helpers(step.inputs, output, rounds=False), kernel)
        return Code(constants, (call,), kernels, tables=12 * sum(output.shape[1:]))

    def describe(self) -> list[str]:
        return ["linear interpolation"]


def _float32(step: Step, axes: dict[str, Axis]) -> Code:
    """The C of an interpolation of float32."""
    source, output = step.inputs[0], step.output
    channels, _, width = source.shape
    constants, names = "", []
    for name, axis in axes.items():
        constants += array("int32_t", name, axis.table()[:, :2])
        constants += array("float", f"{name}_weights", axis.parts.T.astype(np.float32))
        names += [name, f"{name}_weights"]
    numbers = (source.at, *names, output.at, width, channels, *output.shape[1:])
    call = f"model_interpolate({', '.join(map(str, numbers))});"
    return Code(constants, (call,), ("interpolate",), tables=16 * sum(output.shape[1:]))
