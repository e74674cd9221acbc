"""A table: what each integer of an 8-bit tensor becomes, for all channels or for each."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.emit.c_syntax import array
from quantbench.c99.ir import tolerance
from quantbench.c99.ir.code import Code
from quantbench.c99.ir.graph import (
    LIMITS,
    ONE_ROW,
    Graph,
    ImageOrder,
    Laid,
    OneInput,
    Orders,
    Reals,
    Step,
    Tensors,
    Values,
    Window,
)
from quantbench.c99.ir.wide import half_step
from quantbench.numerics.fixed_point import Integers

ENTRIES = 256
"""The integers of an 8-bit tensor."""


@dataclass(frozen=True, eq=False)
class Table(OneInput):
    """An element-wise function of one 8-bit tensor, such as a sigmoid, as what it gives.

    `words` name the operators that it is made of.
    """

    name: str
    input: str
    output: str
    table: Integers
    """[1, 256], or [C, 256] with a row for each channel: the output's integer for each of the
    input's, the lowest first."""
    off: Reals
    """The same shape: see `excess`."""
    unsure: NDArray[np.bool_]
    """The same shape: where another float32 implementation may round to the neighbour."""
    words: tuple[str, ...]

    def evaluate(self, graph: Graph, values: Tensors) -> Values:
        return np.asarray(self._looked_up(graph, values, self.table), np.int64)

    def float32_error(self, graph: Graph, values: Tensors, errors: Tensors) -> Reals:
        raise ValueError(f"{self.name}: float32 isn't looked up")

    def excess(self, graph: Graph, values: Tensors) -> Reals:
        off = self._looked_up(graph, values, self.off)
        more = tolerance.MARGIN + half_step(graph, self.output)
        return np.asarray(off + more, np.float64)

    def _looked_up(self, graph: Graph, values: Tensors, rows: Values) -> Values:
        at = values[self.input] - LIMITS[graph.tensors[self.input].type][0]
        if len(rows) == 1:
            return np.asarray(rows[0][at])
        channel = np.arange(len(rows)).reshape(-1, *[1] * (at.ndim - 2))
        return np.asarray(rows[channel, at])

    def to_uint8(self, graph: Graph) -> Table:
        return replace(self, table=self.table + graph.tensors[self.output].to_unsigned)

    def layout(self, graph: Graph, orders: Orders, nhwc: ImageOrder) -> Laid:
        """Keep the order; a vector's tables by channel are moved to the positions of its values."""
        (order,) = orders
        if len(self.table) == 1 or len(graph.tensors[self.output].shape) > 1:
            return Laid(self, orders, order)
        rows = {field: getattr(self, field)[order] for field in ("table", "off", "unsure")}
        return Laid(replace(self, **rows), orders, order)

    @property
    def row_window(self) -> Window:
        return ONE_ROW

    def emit(self, step: Step) -> Code:
        name, (source,), output = f"{step.identifier}_table", step.inputs, step.output
        if output.type == "int32":
            return self._words(step, name)
        table = array("uint8_t", name, self.table)
        kernel, numbers = "lookup", f"{output.size}"
        if len(self.table) > 1:
            channels = len(self.table)
            kernel, numbers = "lookup_channels", f"{output.size // channels}, {channels}"
        call = f"model_{kernel}({name}, {source.at}, {output.at}, {numbers});"
        return Code(table, (call,), (kernel,), tables=self.table.size)

    def _words(self, step: Step, name: str) -> Code:
        """The C of a table whose entries are of 32 bits."""
        (source,), output, channels = step.inputs, step.output, len(self.table)
        numbers = f"{source.at}, {output.at}, {output.size // channels}, {channels}"
        call = f"model_lookup_words({name}, {numbers});"
        table = array("int32_t", name, self.table)
        return Code(table, (call,), ("set_word", "lookup_words"), tables=4 * self.table.size)

    def describe(self) -> list[str]:
        each = [] if len(self.table) == 1 else ["table for each channel"]
        return [*self.words, *each]
