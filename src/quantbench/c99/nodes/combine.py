"""An operation on two float32 tensors, one of which may be broadcast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantbench.c99.emit.c_syntax import real
from quantbench.c99.emit.describe import limits_words
from quantbench.c99.ir.code import Code
from quantbench.c99.ir.functions import Operation
from quantbench.c99.ir.graph import (
    ONE_ROW,
    Graph,
    ImageOrder,
    Laid,
    Node,
    Orders,
    Reals,
    Step,
    Tensors,
    Values,
    Window,
)
from quantbench.c99.nodes.broadcast import sides, strides
from quantbench.c99.nodes.clamp import within_limits
from quantbench.c99.nodes.operands import as_images_lie


@dataclass(frozen=True, eq=False)
class Combine(Node):
    """An operation on two float32, then limits; None: no limit. An axis of 1 is read again."""

    name: str
    inputs: tuple[str, str]
    output: str
    operation: Operation
    low: float | None = None
    high: float | None = None

    @property
    def reads(self) -> tuple[str, ...]:
        return self.inputs

    def evaluate(self, graph: Graph, values: Tensors) -> Values:
        a, b = (values[name] for name in self.inputs)
        with np.errstate(all="ignore"):
            return within_limits(self.operation.evaluate(a, b), self.low, self.high)

    def float32_error(self, graph: Graph, values: Tensors, errors: Tensors) -> Reals:
        a, b = self.inputs
        return self.operation.error((values[a], values[b]), (errors[a], errors[b]), 1.0)

    def excess(self, graph: Graph, values: Tensors) -> Reals:
        raise ValueError(f"{self.name}: it is a node of float32")

    def layout(self, graph: Graph, orders: Orders, nhwc: ImageOrder) -> Laid:
        return as_images_lie(self, graph, nhwc)

    @property
    def row_window(self) -> Window:
        return ONE_ROW

    def emit(self, step: Step) -> Code:
        name, output = f"{step.identifier}_function", step.output
        down, right, deep = zip(
            *(strides(place.shape, output.shape) for place in step.inputs), strict=True
        )
        height, width, channels = sides(output.shape)
        low, high = (None if limit is None else real(limit) for limit in (self.low, self.high))
        lines = [
            f"const float a = p[(y * {down[0]} + x * {right[0]} + c * {deep[0]})];",
            f"const float b = q[(y * {down[1]} + x * {right[1]} + c * {deep[1]})];",
            f"float r = {self.operation.c};",
            *([] if low is None else [f"r = r < {low} ? {low} : r;"]),
            *([] if high is None else [f"r = r > {high} ? {high} : r;"]),
            "*out++ = r;",
        ]
        loops = [
            f"    for (ptrdiff_t y = 0; y < {height}; y++) {{",
            f"        for (ptrdiff_t x = 0; x < {width}; x++) {{",
            f"            for (ptrdiff_t c = 0; c < {channels}; c++) {{",
        ]
        head = f"static void {name}(const float *p, const float *q, float *out)\n{{\n"
        body = "\n".join(
            [*loops, *(f"                {line}" for line in lines), *_closed(3), "}", ""]
        )
        places = ", ".join(place.at for place in (*step.inputs, output))
        return Code(head + body, (f"{name}({places});",), ())

    def describe(self) -> list[str]:
        return [self.operation.words, *limits_words(self.low, self.high)]


def _closed(depth: int) -> list[str]:
    return [f"{'    ' * level}}}" for level in range(depth, 0, -1)]
