"""The compiler's C, built for this CPU; it uses integers only for a quantized network."""

from __future__ import annotations

from quantbench.artifacts.artifact import Artifact
from quantbench.c99.build import kept
from quantbench.c99.build.compiler_needed import unavailable as unavailable
from quantbench.contracts import Predict
from quantbench.errors import CompileError

ACCEPTS = frozenset({"onnx"})
LIBRARIES = ("onnx", "numpy", "quantbench")


def refuses(artifact: Artifact) -> str | None:
    """Refuse unsupported operators, and quantized networks with layers left in float32."""
    from quantbench.c99.compile import planned  # it imports ONNX, which takes longer than a load

    try:
        planned(artifact.folder / "model.onnx")
    except CompileError as error:
        return str(error)
    return None


def load(artifact: Artifact, threads: int) -> Predict:
    """Load the network's library, built once for each network and CPU. Raises like `kept.load`."""
    return kept.load(artifact.folder / "model.onnx", threads)
