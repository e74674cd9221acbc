"""OpenVINO on its CPU device."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import openvino
from numpy.typing import NDArray

from quantbench.artifacts.artifact import Artifact
from quantbench.artifacts.onnx_file import checked
from quantbench.contracts import Predict
from quantbench.errors import ArtifactError

ACCEPTS = frozenset({"onnx"})
LIBRARIES = ("openvino",)
_SHAPES = 8
"""Shapes that stay compiled; a further one replaces the least recently used."""


def load(artifact: Artifact, threads: int) -> Predict:
    """Compile for a batch of one image, and for another batch when it first comes.

    Compiled with its batch left open, the same network takes half as long again at batch 1.
    Raises ArtifactError for a file that refers to others, or that OpenVINO can't read.
    """
    path = artifact.folder / "model.onnx"
    data = checked(path).data
    core = openvino.Core()

    @lru_cache(_SHAPES)
    def ready(
        shape: tuple[int, ...],
    ) -> tuple[openvino.InferRequest, NDArray[np.float32], NDArray[np.float32]]:
        """A request, the memory of its input and that of its output."""
        model.reshape(shape)
        request = core.compile_model(model, "CPU", _options(threads)).create_infer_request()
        return request, request.get_input_tensor().data, request.get_output_tensor().data

    try:
        model = core.read_model(data)
        _, *image = model.input().get_partial_shape()
        ready((1, *(size.get_length() for size in image)))
    except RuntimeError as error:
        raise ArtifactError(
            f"OpenVINO {openvino.get_version()} can't load {path}: {_last_line(error)}"
        ) from error

    def predict(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        request, given, answered = ready(inputs.shape)
        np.copyto(given, inputs)  # binding the caller's memory to the request takes longer
        request.infer()
        return answered.copy()

    return predict


def _options(threads: int) -> dict[str, object]:
    return {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        # Where the CPU has bfloat16, float32 layers would run in it without a word.
        "INFERENCE_PRECISION_HINT": "f32",
        # Pinned workers would all run on the first core; the system spreads them.
        "ENABLE_CPU_PINNING": False,
    }


def _last_line(error: RuntimeError) -> str:
    """The reason in an error of OpenVINO, whose first lines are positions in its own code."""
    return str(error).strip().splitlines()[-1][:300]
