"""The compiler's reference interpreter, in NumPy: slow; the integer C must equal it bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantbench.artifacts.artifact import Artifact
from quantbench.c99.importer import import_onnx
from quantbench.c99.ir.graph import Graph, ends
from quantbench.c99.ir.interpreter import dequantized, execute, execute_all, quantized
from quantbench.c99.ir.probabilities import answers
from quantbench.c99.ir.sizes import Arrays, all_in_parts, in_parts
from quantbench.contracts import Predict
from quantbench.errors import ArtifactError, CompileError

ACCEPTS = frozenset({"onnx"})
LIBRARIES = ("onnx", "numpy", "quantbench")
DEFAULT = False


def refuses(artifact: Artifact) -> str | None:
    """Refuse float networks, operators that have no integer form, and damaged files."""
    try:
        import_onnx(artifact.folder / "model.onnx")
    except (CompileError, ArtifactError) as error:
        return str(error)
    return None


def load(artifact: Artifact, threads: int) -> Predict:
    """Import the network for the interpreter, which always runs on one thread.

    NumPy has no threads for integers. Raises ArtifactError or CompileError for a network that
    integers can't compute.
    """
    graph = import_onnx(artifact.folder / "model.onnx")
    if graph.several:
        return _several(graph)
    given, answered = ends(graph)

    def run(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        return answers(dequantized(execute(graph, quantized(inputs, given)), answered), graph)

    def predict(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        return in_parts(run, inputs, graph)

    return predict


def _several(graph: Graph) -> Predict:
    """The network of several inputs or outputs, of which each is float32."""
    inputs, outputs = (
        [graph.tensors[name] for name in names] for names in (graph.inputs, graph.outputs)
    )

    def run(arrays: Arrays) -> Arrays:
        given = [quantized(array, tensor) for array, tensor in zip(arrays, inputs, strict=True)]
        answers = execute_all(graph, given)
        return [dequantized(*pair) for pair in zip(answers, outputs, strict=True)]

    def predict(*arrays: NDArray[np.float32]) -> Any:
        answers = all_in_parts(run, arrays, graph)
        return answers if len(answers) > 1 else answers[0]

    return predict
