"""A change of memory order. passes/layout.py inserts it; no ONNX operator becomes one."""

from __future__ import annotations

from dataclasses import dataclass

from quantbench.c99.emit.moves import moved_code
from quantbench.c99.ir.code import Code
from quantbench.c99.ir.graph import Graph, Order, Step, Tensors, Values
from quantbench.c99.ir.move import Move


@dataclass(frozen=True, eq=False)
class Permute(Move):
    """A copy whose value at position i in memory is the input's at `index[i]`.

    As a tensor in ONNX's order the output equals the input.
    """

    name: str
    input: str
    output: str
    index: Order

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.input,)

    def moved(self, graph: Graph, numbers: Tensors, constant: float) -> Values:
        return numbers[self.input]

    def emit(self, step: Step) -> Code:
        return moved_code(step, self.index)

    def describe(self) -> list[str]:
        return ["change of memory order"]
