"""The compiler's reference interpreter, in NumPy: slow; the integer C must equal it bit for bit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantbench.artifacts.artifact import Artifact
from quantbench.c99.importer import import_onnx
from quantbench.c99.ir.graph import ends
from quantbench.c99.ir.interpreter import dequantized, execute, quantized
from quantbench.c99.ir.probabilities import answers
from quantbench.c99.ir.sizes import in_parts
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
    given, answered = ends(graph)

    def run(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        return answers(dequantized(execute(graph, quantized(inputs, given)), answered), graph)

    def predict(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        return in_parts(run, inputs, graph)

    return predict
