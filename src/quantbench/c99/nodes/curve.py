"""An element-wise function of a tensor of 32 bits, as a table over a fine grid of real numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.emit.c_syntax import array
from quantbench.c99.ir import tolerance
from quantbench.c99.ir.code import Code
from quantbench.c99.ir.error_bounds import UNIT
from quantbench.c99.ir.graph import (
    LIMITS,
    Graph,
    ImageOrder,
    Laid,
    OneInput,
    Orders,
    Reals,
    Step,
    Tensors,
    Values,
)
from quantbench.c99.ir.rounding import by_channel
from quantbench.c99.ir.wide import half_step, helpers, nearest_index, suffix
from quantbench.numerics.fixed_point import Integers

Numbers = Callable[[Reals, Reals], tuple[Reals, Reals]]
"""Real numbers, and how far each may be off -> what float32 makes of them, and how far that is."""
_BIAS = 2**63


@dataclass(frozen=True, eq=False)
class Grid:
    """The real numbers step * (first + i), 0 <= i < count."""

    step: float
    first: int
    count: int

    @property
    def reals(self) -> Reals:
        """All numbers of the grid, the lowest first."""
        return self.step * np.arange(self.first, self.first + self.count, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Curve(OneInput):
    """table[i] of the place i of the grid that is nearest to the input's real number.

    i = round(acc m 2**-shift) - first, a tie up, cut to the table. `words` name the operators that
    the function is made of.
    """

    name: str
    input: str
    output: str
    table: Integers
    """[count]: the output's integer at each place of the grid."""
    grid: Grid
    multipliers: NDArray[np.int64]
    """[1], or [C] with one for each channel: below 2**31."""
    shift: int
    function: Numbers
    """What the file makes of the input's real numbers, before it is rounded."""
    words: tuple[str, ...]
    moved: tuple[float, ...] = ()
    """How far coarser weights moved the input's real numbers: (), one, or one for each channel."""

    def evaluate(self, graph: Graph, values: Tensors) -> Values:
        return np.asarray(self.table[self._places(values)], np.int64)

    def _places(self, values: Tensors) -> Integers:
        words = values[self.input]
        nearest = nearest_index(words * by_channel(self.multipliers, words.ndim), self.shift)
        return np.clip(nearest - self.grid.first, 0, self.grid.count - 1)

    def float32_error(self, graph: Graph, values: Tensors, errors: Tensors) -> Reals:
        raise ValueError(f"{self.name}: float32 isn't looked up")

    def excess(self, graph: Graph, values: Tensors) -> Reals:
        return self.carried(graph, values, {self.input: np.zeros(values[self.input].shape)})

    def carried(self, graph: Graph, values: Tensors, before: Tensors) -> Reals:
        words, tensor = values[self.input], graph.tensors[self.input]
        scale = by_channel(np.asarray(tensor.scale, np.float64), words.ndim)
        # The number may lie half a place off, by what its multiplier is rounded, and before that.
        places = 0.5 + np.abs(words) * 2.0 ** -(self.shift + 1)
        coarser = by_channel(np.asarray(self.moved or (0.0,), np.float64), words.ndim)
        off = places * self.grid.step + before[self.input] * scale + coarser
        reals = (self._places(values) + self.grid.first).astype(np.float64) * self.grid.step
        return self.off(graph, reals, off)

    def off(self, graph: Graph, reals: Reals, errors: Reals) -> Reals:
        """How far results may be off, in steps of the output, for inputs that are."""
        tensor = graph.tensors[self.output]
        step = by_channel(np.asarray(tensor.scale, np.float64), max(reals.ndim, 2))
        low, high = LIMITS[tensor.type]
        with np.errstate(all="ignore"):
            results, off = self.function(reals, errors)
            ends = np.clip(results / step, low - tensor.zero_point, high - tensor.zero_point)
        more = tolerance.MARGIN + half_step(graph, self.output)
        return np.asarray(np.abs(ends) * (2 * UNIT) + off / step + more, np.float64)

    def to_uint8(self, graph: Graph) -> Curve:
        return replace(self, table=self.table + graph.tensors[self.output].to_unsigned)

    def layout(self, graph: Graph, orders: Orders, nhwc: ImageOrder) -> Laid:
        """Keep the order; with multipliers by channel, read and write as images lie."""
        if len(self.multipliers) == 1:
            return Laid(self, orders, orders[0])
        order = nhwc(graph.tensors[self.output].shape)
        return Laid(self, (order,), order)

    def emit(self, step: Step) -> Code:
        (source,), output, name = step.inputs, step.output, step.identifier
        channels = output.shape[0] if len(self.multipliers) > 1 else 1
        kind = suffix(output.type)
        begin = _BIAS + 2 ** (self.shift - 1) - self.grid.first * 2**self.shift
        arguments = (
            f"{name}_table", self.grid.count - 1, source.at, output.at, f"{name}_m",
            int(len(self.multipliers) > 1), output.size // channels, channels, f"{begin}U",
            self.shift,
        )  # fmt: skip
        call = f"model_curve_{kind}({', '.join(map(str, arguments))});"
        constants = array("int32_t" if kind == "w" else "uint8_t", f"{name}_table", self.table)
        constants += array("int32_t", f"{name}_m", self.multipliers)
        held = len(self.table) * (4 if kind == "w" else 1) + 4 * len(self.multipliers)
        return Code(
            constants,
            (call,),
            (*helpers((source,), output, rounds=False), f"curve_{kind}"),
            tables=held,
        )

    def describe(self) -> list[str]:
        return [*self.words, f"table of {self.grid.count}"]
