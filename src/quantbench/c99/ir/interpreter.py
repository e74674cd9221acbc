"""The reference interpreter, in NumPy: slow, and the authority for what the integer C computes.

Arrays have a batch in front: [N, C, H, W] or [N, K]. Integers are int64, so that nothing overflows
before `require_word` has proved that 32 bits hold it; a float32 network is computed in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.ir.graph import LIMITS, Graph, Tensor, Values, last_reads
from quantbench.numerics.fixed_point import Integers


def quantized(inputs: NDArray[np.float32], tensor: Tensor) -> Integers:
    """Round float32 [N, *shape] to the tensor's integers, like ONNX's QuantizeLinear.

    Ties go to even, values beyond the range to its ends, NaN to the lowest integer.
    """
    low, high = LIMITS[tensor.type]
    with np.errstate(over="ignore"):
        scaled = np.rint(inputs / np.float32(tensor.scale[0])) + np.float32(tensor.zero_point)
    # NaN isn't above the limit either: it becomes the lowest.
    return np.asarray(np.where(scaled > low, np.minimum(scaled, high), low), np.int64)


def dequantized(values: Integers, tensor: Tensor) -> NDArray[np.float32]:
    """The real numbers, float32, for which the tensor's integers [N, *shape] stand."""
    scale = np.asarray(tensor.scale, np.float32).reshape(-1, *[1] * (values.ndim - 2))
    return np.asarray((values - tensor.zero_point).astype(np.float32) * scale, np.float32)


def execute(graph: Graph, inputs: Values) -> Values:
    """The only output for the only input [N, *shape]."""
    (output,) = execute_all(graph, (inputs,))
    return output


def execute_all(
    graph: Graph, inputs: Sequence[Values], watch: Callable[[str, Values], None] | None = None
) -> tuple[Values, ...]:
    """The network's outputs for inputs [N, *shape]; each tensor is freed after its last read.

    `watch` is called with the name and the values of every tensor, the inputs first.
    """
    values = dict(zip(graph.inputs, inputs, strict=True))
    if watch:
        for name in graph.inputs:
            watch(name, values[name])
    for node, read_last in zip(graph.nodes, last_reads(graph), strict=True):
        values[node.output] = node.evaluate(graph, values)
        if watch:
            watch(node.output, values[node.output])
        for name in read_last:
            values.pop(name)
    return tuple(values[name] for name in graph.outputs)


def run_all(graph: Graph, *inputs: Values) -> dict[str, Values]:
    """Tensor name -> values of every tensor, for inputs [N, *shape]."""
    values = dict(zip(graph.inputs, inputs, strict=True))
    for node in graph.nodes:
        values[node.output] = node.evaluate(graph, values)
    return values
