"""A choice of existing numbers: transposes, slices, repeats and shuffles are all one of these."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from quantbench.c99.emit.moves import moved_code
from quantbench.c99.ir.code import Code
from quantbench.c99.ir.graph import Graph, ImageOrder, Laid, Order, Orders, Step, Tensors, Values
from quantbench.c99.ir.move import Move


@dataclass(frozen=True, eq=False)
class Rearrange(Move):
    """Each value of the output is one of the input's; both count in ONNX's order [C, H, W]."""

    name: str
    input: str
    output: str
    index: Order
    """[size of the output]: the input's value at each place."""

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.input,)

    def moved(self, graph: Graph, numbers: Tensors, constant: float) -> Values:
        array = numbers[self.input]
        chosen = array.reshape(len(array), -1)[:, self.index]
        return chosen.reshape(len(array), *graph.tensors[self.output].shape)

    def layout(self, graph: Graph, orders: Orders, nhwc: ImageOrder) -> Laid:
        """Read the input as it lies: the index then counts places in memory."""
        output = nhwc(graph.tensors[self.output].shape)
        index = np.argsort(orders[0])[self.index[output]]
        return Laid(replace(self, index=index), orders, output)

    def emit(self, step: Step) -> Code:
        return moved_code(step, self.index)

    def describe(self) -> list[str]:
        return ["rearranged"]
