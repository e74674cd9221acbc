"""The compiler's C, built for this CPU; it uses integers only for a quantized network."""

from __future__ import annotations

from quantbench.artifacts.artifact import Artifact
from quantbench.c99.build.compiler_needed import unavailable as unavailable
from quantbench.c99.build.loader import loaded
from quantbench.c99.check.once import require_verified
from quantbench.c99.compile import emitted, planned
from quantbench.c99.emit.library import Options
from quantbench.c99.frontend.reader import read
from quantbench.c99.target.target import Target
from quantbench.contracts import Predict
from quantbench.errors import CompileError

ACCEPTS = frozenset({"onnx"})
LIBRARIES = ("onnx", "numpy", "quantbench")
_AT_ONCE = 16
"""Samples of a batch that share each load of a weight."""


def refuses(artifact: Artifact) -> str | None:
    """Refuse unsupported operators, and quantized networks with layers left in float32."""
    try:
        planned(artifact.folder / "model.onnx")
    except CompileError as error:
        return str(error)
    return None


def load(artifact: Artifact, threads: int) -> Predict:
    """Load the network's library, built once for each network and CPU.

    The network is checked against its file, and the library against its golden vectors. Raises
    ArtifactError or CompileError for a network that can't be compiled, UnavailableError without a
    compiler, StorageError without a cache.
    """
    model = artifact.folder / "model.onnx"
    require_verified(model)
    options = Options(samples=_AT_ONCE)
    return loaded(emitted(read(model), Target.NATIVE, options=options), threads)
