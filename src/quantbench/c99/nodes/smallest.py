"""The smallest number of each channel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantbench.c99.ir import tolerance
from quantbench.c99.ir.code import Code
from quantbench.c99.ir.graph import (
    Graph,
    OneInput,
    Reals,
    Step,
    Tensors,
    Values,
)

_PLACES = (2, 3)


@dataclass(frozen=True)
class Smallest(OneInput):
    """The smallest number of each channel of an image [C, H, W], as [C, 1, 1], in its format."""

    name: str
    input: str
    output: str

    @property
    def rounds(self) -> bool:
        return False

    def evaluate(self, graph: Graph, values: Tensors) -> Values:
        return np.asarray(values[self.input].min(axis=_PLACES, keepdims=True))

    def float32_error(self, graph: Graph, values: Tensors, errors: Tensors) -> Reals:
        return np.asarray(errors[self.input].max(axis=_PLACES, keepdims=True))

    def excess(self, graph: Graph, values: Tensors) -> Reals:
        return np.full(
            (len(values[self.input]), *graph.tensors[self.output].shape), tolerance.MARGIN
        )

    def carried(self, graph: Graph, values: Tensors, before: Tensors) -> Reals:
        return np.asarray(before[self.input].max(axis=_PLACES, keepdims=True), np.float64)

    def emit(self, step: Step) -> Code:
        (source,), output = step.inputs, step.output
        channels = output.shape[0]
        numbers = f"{source.size // channels}, {channels}"
        call = f"model_smallest({source.at}, {output.at}, {numbers});"
        return Code("", (call,), ("smallest",))

    def describe(self) -> list[str]:
        return ["minimum of each channel"]
