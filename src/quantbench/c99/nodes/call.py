"""An element-wise function of float32, by the C library's mathematics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantbench.c99.emit.c_syntax import real
from quantbench.c99.emit.describe import limits_words
from quantbench.c99.ir.code import Code
from quantbench.c99.ir.functions import Function
from quantbench.c99.ir.graph import (
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
from quantbench.c99.nodes.clamp import within_limits


@dataclass(frozen=True, eq=False)
class Call(OneInput):
    """A function of each float32, then limits; None: no limit."""

    name: str
    input: str
    output: str
    function: Function
    low: float | None = None
    high: float | None = None

    def evaluate(self, graph: Graph, values: Tensors) -> Values:
        with np.errstate(all="ignore"):
            return within_limits(self.function.evaluate(values[self.input]), self.low, self.high)

    def float32_error(self, graph: Graph, values: Tensors, errors: Tensors) -> Reals:
        return self.function.float32_error(values[self.input], errors[self.input])

    def excess(self, graph: Graph, values: Tensors) -> Reals:
        raise ValueError(f"{self.name}: integers are looked up in a table")

    def layout(self, graph: Graph, orders: Orders, nhwc: ImageOrder) -> Laid:
        return Laid(self, orders, orders[0])

    @property
    def row_window(self) -> Window:
        return ONE_ROW

    def emit(self, step: Step) -> Code:
        name, (source,), output = f"{step.identifier}_function", step.inputs, step.output
        return Code(
            loop_text(name, ("in",), {"x": "in[k]"}, self.function.c, (self.low, self.high)),
            (f"{name}({source.at}, {output.at}, {output.size});",),
            (),
            headers=("math.h",),
        )

    def describe(self) -> list[str]:
        return [self.function.words, *limits_words(self.low, self.high)]


def loop_text(
    name: str, inputs: tuple[str, ...], values: dict[str, str], expression: str,
    limits: tuple[float | None, float | None],
) -> str:  # fmt: skip
    """The C function `name` that writes an expression of each float32 to `out`, within limits.

    `values`: the local variables that the expression reads, with what they are at place k.
    """
    low, high = (None if limit is None else real(limit) for limit in limits)
    arguments = ", ".join(f"const float *restrict {source}" for source in inputs)
    lines = [f"const float {variable} = {value};" for variable, value in values.items()]
    lines.append(f"float y = {expression};")
    lines += [] if low is None else [f"y = y < {low} ? {low} : y;"]
    lines += [] if high is None else [f"y = y > {high} ? {high} : y;"]
    body = "\n        ".join([*lines, "out[k] = y;"])
    return (
        f"static void {name}({arguments},\n        float *restrict out, ptrdiff_t count)\n{{\n"
        f"    for (ptrdiff_t k = 0; k < count; k++) {{\n        {body}\n    }}\n}}\n"
    )
