"""The integer network in NumPy: slow, and what the C of the compiler must equal bit for bit."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from quantbench.artifact import Artifact
from quantbench.c99.execute import answers, dequantized, execute, quantized
from quantbench.c99.graph import Conv, Graph
from quantbench.c99.importer import import_onnx
from quantbench.contracts import Predict
from quantbench.errors import ArtifactError, CompileError

ACCEPTS = frozenset({"onnx"})
LIBRARIES = ("onnx", "numpy", "quantbench")
DEFAULT = False
_AT_ONCE = 2**24
"""Numbers that a layer may hold of a batch: a larger one is gone through in parts."""


def unavailable() -> str | None:
    return None


def refuses(artifact: Artifact) -> str | None:
    """Float networks, operators that aren't computed in integers, and damaged files."""
    try:
        import_onnx(artifact.folder / "model.onnx")
    except (CompileError, ArtifactError) as error:
        return str(error)
    return None


def load(artifact: Artifact, threads: int) -> Predict:
    """One thread, whatever is asked for: NumPy has no more for integers.

    Raises ArtifactError or CompileError for a network that integers can't compute.
    """
    graph = import_onnx(artifact.folder / "model.onnx")
    images = max(1, _AT_ONCE // largest(graph))
    given, answered = graph.tensors[graph.input], graph.tensors[graph.output]

    def run(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        return answers(graph, dequantized(execute(graph, quantized(inputs, given)), answered))

    def predict(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        parts = [run(inputs[at : at + images]) for at in range(0, len(inputs), images)]
        return np.concatenate(parts) if len(parts) > 1 else parts[0]

    return predict


def largest(graph: Graph) -> int:
    """Numbers that the widest step has of one image, a convolution's patches among them."""
    sizes = [tensor.size for tensor in graph.tensors.values()]
    for node in graph.nodes:
        if isinstance(node, Conv):
            places = math.prod(graph.tensors[node.output].shape[1:])
            if node.pooling:
                places *= math.prod(node.pooling.window.kernel)
            sizes.append(places * math.prod(node.weights.shape[1:]) * node.groups)
    return max(sizes)
