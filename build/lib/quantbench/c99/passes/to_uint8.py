"""The same network with every int8 tensor held as uint8, so that kernels know one type.

q of int8 with zero point Z and q + 128 of uint8 with Z + 128 are the same real number. The folded
bias of a layer absorbs the offset: sum (q + 128) w' - 128 sum w' = sum q w'.
"""

from __future__ import annotations

from dataclasses import replace

from quantbench.c99.ir.graph import Graph, Tensor


def to_uint8(graph: Graph) -> Graph:
    """The graph with every int8 tensor held as uint8.

    Raises CompileError for a layer whose sums no longer fit 32 bits.
    """
    tensors = {name: _tensor(tensor) for name, tensor in graph.tensors.items()}
    return replace(
        graph, tensors=tensors, nodes=tuple(node.to_uint8(graph) for node in graph.nodes)
    )


def _tensor(tensor: Tensor) -> Tensor:
    if tensor.type != "int8":
        return tensor
    return replace(tensor, type="uint8", zero_point=tensor.zero_point + tensor.to_unsigned)
