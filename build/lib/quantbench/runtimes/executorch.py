"""ExecuTorch with XNNPACK."""

from __future__ import annotations

import contextlib
import io
from typing import cast

import numpy as np
import torch  # before ExecuTorch's own library, which needs PyTorch's
from executorch.extension.pybindings import _C  # the public names import the compiler, for seconds

from quantbench.artifacts.artifact import Artifact
from quantbench.contracts import Predict
from quantbench.errors import ArtifactError, PredictionError
from quantbench.export.batching import answer, at_most
from quantbench.samples.records import Array, Arrays

ACCEPTS = frozenset({"executorch"})
LIBRARIES = ("executorch", "torch")


def refuses(artifact: Artifact) -> str | None:
    if not _C._is_available("XnnpackBackend"):
        return "this build of executorch has no XNNPACK"
    return None


def load(artifact: Artifact, threads: int) -> Predict:
    """Load the program. A batch beyond its largest one is split.

    The thread pool belongs to the process, and serves all programs. Raises ArtifactError for a file
    that ExecuTorch can't load.
    """
    path = artifact.folder / "model.pte"
    told = io.StringIO()
    with contextlib.redirect_stderr(told):  # the library logs there even on success
        try:
            _C._unsafe_reset_threadpool(threads)
            program = _C._load_program(
                str(path), program_verification=_C.Verification.InternalConsistency
            )
            method = program.load_method("forward")
        except RuntimeError as error:
            why = (told.getvalue().strip() or str(error)).splitlines()[-1]
            raise ArtifactError(f"ExecuTorch can't load {path}: {why[:300]}") from error
    largest = method.method_meta().input_tensor_meta(0).sizes()[0]

    meta = method.method_meta()
    predict = _one(method) if meta.num_inputs() == meta.num_outputs() == 1 else _several(method)
    return at_most(predict, largest)


def _called(method: _C.ExecuTorchMethod, given: list[torch.Tensor]) -> list[torch.Tensor]:
    """The outputs, which the next call overwrites. Raises PredictionError where it can't run."""
    try:
        return cast(list[torch.Tensor], method.call(given, clone_outputs=False))
    except RuntimeError as error:
        raise PredictionError(
            f"can't be run by ExecuTorch: {str(error).splitlines()[0]}"
        ) from error


def _one(method: _C.ExecuTorchMethod) -> Predict:
    def predict(inputs: Array) -> Array:
        outputs = _called(method, [torch.from_numpy(np.ascontiguousarray(inputs))])
        # What isn't cloned is overwritten by the next call; NumPy copies it in less time.
        return outputs[0].numpy().copy()

    return predict


def _several(method: _C.ExecuTorchMethod) -> Predict:
    def predict(*inputs: Array) -> Array | Arrays:
        given = [torch.from_numpy(np.ascontiguousarray(array)) for array in inputs]
        outputs = _called(method, given)
        return answer([output.numpy().copy() for output in outputs])

    return predict
