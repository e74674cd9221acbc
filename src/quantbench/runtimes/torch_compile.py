"""Inductor, PyTorch's compiler: its C++ kernels and oneDNN's, int8 ones among them.

The program is compiled ahead of time (AOTInductor), into the kernels that torch.compile would
produce at the first call, but without its checks at every call. A library loads in a millisecond,
so each fresh start of a worker is quick.

Every batch size that is measured has a library of its own. Kernels for any size are up to four
times slower at a batch of 1000 (convolutions lose their layout), so other batch sizes are
answered in batches of 1000, the last one padded.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from quantbench.artifacts.artifact import Artifact
from quantbench.contracts import Predict
from quantbench.errors import ArtifactError
from quantbench.export.cxx import unavailable as unavailable
from quantbench.export.inductor import libraries

ACCEPTS = frozenset({"pt2"})
LIBRARIES = ("torch",)
_AT_ONCE = (1, 1000)
_WHEN_ASKED = (8, 64, 256)
_MOST = 1000
_MODEL = "model.pt2"

Compiled = Callable[[Tensor], Tensor]


def load(artifact: Artifact, threads: int) -> Predict:
    """Load the libraries for batches of 1 and 1000; those for 8, 64 and 256 when first used.

    Raises ArtifactError for an artifact without a program.
    """
    if _MODEL not in artifact.files:
        raise ArtifactError(f"{artifact.folder} holds no {_MODEL}")
    torch.set_num_threads(threads)
    ready = _loaded(artifact, _AT_ONCE, threads)

    def predict(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        images = torch.from_numpy(np.ascontiguousarray(inputs))
        size = len(images)
        if size in _WHEN_ASKED and size not in ready:
            ready.update(_loaded(artifact, (size,), threads))
        if size in ready:
            return cast(NDArray[np.float32], ready[size](images).numpy())
        parts = [_filled(ready[_MOST], part) for part in images.split(_MOST)]
        return cast(NDArray[np.float32], torch.cat(parts).numpy())

    return predict


def _loaded(artifact: Artifact, batches: tuple[int, ...], threads: int) -> dict[int, Compiled]:
    model, sha256 = artifact.folder / _MODEL, artifact.files[_MODEL].sha256
    with libraries(model, sha256, batches, threads) as made:
        return {batch: _callable(path) for batch, path in made.items()}


def _callable(library: Path) -> Compiled:
    run = torch._C._aoti.AOTIModelContainerRunnerCpu(str(library), 1).run

    def compiled(images: Tensor) -> Tensor:
        (logits,) = run([images])
        return logits

    return compiled


def _filled(compiled: Compiled, images: Tensor) -> Tensor:
    missing = images.new_zeros(_MOST - len(images), *images.shape[1:])
    return compiled(torch.cat([images, missing]))[: len(images)]
