"""A change of shape, which is no step of the C code."""

from __future__ import annotations

from dataclasses import dataclass

from quantbench.c99.ir.code import Code
from quantbench.c99.ir.graph import Graph, ImageOrder, Laid, Orders, Step, Tensors, Values
from quantbench.c99.ir.move import Move


@dataclass(frozen=True)
class Reshape(Move):
    """A tensor seen in another shape of the same size. Only passes/layout.py deals with it."""

    name: str
    input: str
    output: str

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.input,)

    def moved(self, graph: Graph, numbers: Tensors, constant: float) -> Values:
        array = numbers[self.input]
        return array.reshape(len(array), *graph.tensors[self.output].shape)

    def layout(self, graph: Graph, orders: Orders, nhwc: ImageOrder) -> Laid:
        """Keep a vector's order; an image of another shape lies as images do."""
        shape = graph.tensors[self.output].shape
        return Laid(self, orders, nhwc(shape) if len(shape) > 1 else orders[0])

    def emit(self, step: Step) -> Code:
        raise ValueError(f"{self.name}: a Reshape is no step")

    def describe(self) -> list[str]:
        return ["change of shape"]
