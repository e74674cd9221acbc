"""Another shape of the same size: no step of the C code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from quantbench.c99.ir import tolerance
from quantbench.c99.ir.code import Code
from quantbench.c99.ir.graph import Graph, Laid, OneInput, Order, Reals, Shape, Step, Values


@dataclass(frozen=True)
class Reshape(OneInput):
    """The order of values stays, so that only layout.py has work with it."""

    name: str
    input: str
    output: str

    @property
    def rounds(self) -> bool:
        return False

    def evaluate(self, graph: Graph, values: Mapping[str, Values]) -> Values:
        return self._shaped(graph, values[self.input])

    def float32_error(
        self, graph: Graph, values: Mapping[str, Reals], errors: Mapping[str, Reals]
    ) -> Reals:
        return self._shaped(graph, errors[self.input])

    def excess(self, graph: Graph, values: Mapping[str, Values]) -> Reals:
        return np.full_like(self.evaluate(graph, values), tolerance.MARGIN, np.float64)

    def carried(self, graph: Graph, before: Mapping[str, Reals]) -> Reals:
        return self._shaped(graph, before[self.input])

    def layout(
        self, graph: Graph, orders: tuple[Order, ...], nhwc: Callable[[Shape], Order]
    ) -> Laid:
        """An image of another shape lies as images do, a vector as it was."""
        shape = graph.tensors[self.output].shape
        return Laid(self, orders, nhwc(shape) if len(shape) == 3 else orders[0])

    def emit(self, step: Step) -> Code:
        raise ValueError(f"{self.name}: a Reshape is no step")

    def describe(self) -> list[str]:
        return ["change of shape"]

    def _shaped(self, graph: Graph, values: Values) -> Values:
        return values.reshape(len(values), *graph.tensors[self.output].shape)
