"""Agreement of a graph with its file: layer by layer for integers, at the output for float32."""

from __future__ import annotations

from quantbench.c99.check import float32, integer
from quantbench.c99.frontend.reader import Network
from quantbench.c99.ir.graph import Graph


def verify(file: Network, graph: Graph) -> None:
    """Compare the graph with the file that it was imported from, as ONNX Runtime evaluates it.

    Raises CompileError where they are further apart than the arithmetic allows.
    """
    if graph.is_float32:
        float32.verify(file, graph)
    else:
        integer.verify(file, graph)
