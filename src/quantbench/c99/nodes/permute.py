"""Values moved to other places of memory: layout.py inserts it, no importer does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from quantbench.c99.emit.c_syntax import array
from quantbench.c99.ir.code import Code
from quantbench.c99.ir.graph import (
    BYTES,
    Graph,
    Laid,
    OneInput,
    Order,
    Reals,
    Shape,
    Step,
    Values,
)


@dataclass(frozen=True, eq=False)
class Permute(OneInput):
    """The value at place i of the output is that at `index[i]` of the input; as a tensor, it is
    the input.
    """

    name: str
    input: str
    output: str
    index: Order

    @property
    def rounds(self) -> bool:
        return False

    def evaluate(self, graph: Graph, values: Mapping[str, Values]) -> Values:
        return values[self.input]

    def float32_error(
        self, graph: Graph, values: Mapping[str, Reals], errors: Mapping[str, Reals]
    ) -> Reals:
        return errors[self.input]

    def excess(self, graph: Graph, values: Mapping[str, Values]) -> Reals:
        raise ValueError(f"{self.name}: it is no node of an imported graph")

    def layout(
        self, graph: Graph, orders: tuple[Order, ...], nhwc: Callable[[Shape], Order]
    ) -> Laid:
        raise ValueError(f"{self.name}: it is laid out already")

    def emit(self, step: Step) -> Code:
        (source,), output, name = step.inputs, step.output, f"{step.identifier}_index"
        numbers = f"{len(self.index)}, {BYTES[output.type]}"
        call = f"model_permute({source.at}, {output.at}, {name}, {numbers});"
        index = array("uint32_t", name, self.index)
        return Code(index, (call,), ("permute",), tables=4 * len(self.index))

    def describe(self) -> list[str]:
        return ["change of memory order"]
