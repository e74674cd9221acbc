"""C written for the network at hand and built for this CPU: integer-only of a quantized one."""

from __future__ import annotations

from quantbench.artifacts.artifact import Artifact
from quantbench.c99.build.compiler_needed import unavailable as unavailable
from quantbench.c99.build.loader import loaded
from quantbench.c99.check.once import require_verified
from quantbench.c99.compile import emitted, planned
from quantbench.c99.frontend.reader import read
from quantbench.c99.target.target import Target
from quantbench.contracts import Predict
from quantbench.errors import CompileError

ACCEPTS = frozenset({"onnx"})
LIBRARIES = ("onnx", "numpy", "quantbench")


def refuses(artifact: Artifact) -> str | None:
    """Operators that the compiler doesn't have, and layers of a quantized network left float."""
    try:
        planned(artifact.folder / "model.onnx")
    except CompileError as error:
        return str(error)
    return None


def load(artifact: Artifact, threads: int) -> Predict:
    """Built once for each network and CPU, and checked against its file and its golden vectors.

    Raises ArtifactError or CompileError for a network that can't be compiled,
    UnavailableError without a compiler, StorageError without a cache.
    """
    model = artifact.folder / "model.onnx"
    require_verified(model)
    return loaded(emitted(read(model), Target.NATIVE), threads)
