"""Inductor, PyTorch's compiler: its C++ kernels and oneDNN's, int8 ones among them.

The program is compiled ahead of time (AOTInductor), into the kernels that torch.compile would
produce at the first call, but without its checks at every call. A library loads in a millisecond,
so each fresh start of a worker is quick.

Every batch size that is measured has a library of its own. Kernels for any size are up to four
times slower at a batch of 1000 (convolutions lose their layout), so other batch sizes are
answered in batches of 1000, the last one filled.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from quantbench.artifacts.artifact import Artifact
from quantbench.contracts import Predict
from quantbench.errors import ArtifactError
from quantbench.export.batching import answer, exactly
from quantbench.export.cxx import unavailable as unavailable
from quantbench.export.inductor import libraries, why_not_compiled
from quantbench.samples.records import Array, Arrays

ACCEPTS = frozenset({"pt2"})
LIBRARIES = ("torch",)
_AT_ONCE = (1, 1000)
_WHEN_ASKED = (8, 64, 256)
_MOST = 1000
_MODEL = "model.pt2"


def refuses(artifact: Artifact) -> str | None:
    """Refuse a program of a fixed batch: libraries are compiled for several."""
    return why_not_compiled(artifact.folder / _MODEL)


def load(artifact: Artifact, threads: int) -> Predict:
    """Load the libraries for batches of 1 and 1000; those for 8, 64 and 256 when first used.

    Raises ArtifactError for an artifact without a program.
    """
    if _MODEL not in artifact.files:
        raise ArtifactError(f"{artifact.folder} holds no {_MODEL}")
    torch.set_num_threads(threads)
    ready = _loaded(artifact, _AT_ONCE, threads)

    def predict(*inputs: Array) -> Any:
        size = len(inputs[0])
        if size in _WHEN_ASKED and size not in ready:
            ready.update(_loaded(artifact, (size,), threads))
        if size in ready:
            return ready[size](*inputs)
        return in_largest(*inputs)

    in_largest = exactly(ready[_MOST], _MOST)
    return predict


def _loaded(artifact: Artifact, batches: tuple[int, ...], threads: int) -> dict[int, Predict]:
    model, sha256 = artifact.folder / _MODEL, artifact.files[_MODEL].sha256
    with libraries(model, sha256, batches, threads) as made:
        return {batch: _callable(path) for batch, path in made.items()}


def _callable(library: Path) -> Predict:
    run = torch._C._aoti.AOTIModelContainerRunnerCpu(str(library), 1).run

    def compiled(*inputs: Array) -> Array | Arrays:
        tensors = [torch.from_numpy(np.ascontiguousarray(array)) for array in inputs]
        return answer([output.numpy() for output in run(tensors)])

    return compiled
