"""Cast: converts constants without loss, and leaves activations of the same type as they are.

The network's own integers may be cast to float32: q is taken as a real number.
"""

from __future__ import annotations

import numpy as np

from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.formats import Format
from quantbench.c99.frontend.quantization import FLOAT32_NUMBER, OUTPUT_TYPES, quantized_input
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.shapes import same
from quantbench.c99.frontend.values import Constant, GraphInput, Quantized, Value
from quantbench.errors import CompileError

NAME = "Cast"
INPUTS = (1, 1)
ATTRIBUTES = frozenset({"to", "saturate", "round_mode"})
_TYPES = {
    1: np.float32, 2: np.uint8, 3: np.int8, 6: np.int32, 7: np.int64, 11: np.float64,
}  # fmt: skip
"""Types by their numbers in ONNX."""


def from_onnx(context: Context, node: OnnxNode) -> Value:
    value, to = same(context, node), node.whole("to", 0)
    if isinstance(value, GraphInput) and value.type and to == FLOAT32_NUMBER:
        return quantized_input(context, node, value, Format(1.0, 0, value.type)).ref
    held = value.format if isinstance(value, Quantized) else value
    if isinstance(held, Format | GraphInput) and held.type and held.type == OUTPUT_TYPES.get(to):
        return value
    if isinstance(value, Constant) and to in _TYPES:
        values = value.array.astype(_TYPES[to])
        if np.array_equal(values, value.array, equal_nan=values.dtype.kind == "f"):
            return Constant(values)
    if to != FLOAT32_NUMBER or isinstance(value, Constant | Quantized):
        raise CompileError(
            f"{node.where}: a cast of float32 to float32, and of constants that are the same in "
            "both types, is supported"
        )
    return value
