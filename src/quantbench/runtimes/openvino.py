"""OpenVINO on its CPU device."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np
import openvino

from quantbench.artifacts.artifact import Artifact
from quantbench.artifacts.onnx_file import checked
from quantbench.contracts import Predict
from quantbench.errors import ArtifactError
from quantbench.export.batching import answer, exactly
from quantbench.samples.records import Array, Arrays

ACCEPTS = frozenset({"onnx"})
LIBRARIES = ("openvino",)
_SHAPES = 8
"""Shapes that stay compiled; a further one replaces the least recently used."""


class _Request(NamedTuple):
    """A compiled request, the memory of its inputs and that of its outputs."""

    request: openvino.InferRequest
    inputs: Arrays
    outputs: Arrays


Ready: TypeAlias = Callable[[tuple[tuple[int, ...], ...]], _Request]


def load(artifact: Artifact, threads: int) -> Predict:
    """Compile for a batch of one sample, and for another batch when it first comes.

    Compiled with its batch left open, the same network takes half as long again at batch 1.
    Raises ArtifactError for a file that refers to others, or that OpenVINO can't read.
    """
    path = artifact.folder / "model.onnx"
    data = checked(path).data
    core = openvino.Core()

    try:
        model = core.read_model(data)
        shapes = [value.get_partial_shape() for value in model.inputs]
        fixed = next((shape[0].get_length() for shape in shapes if shape[0].is_static), None)
        ready = _compiler(core, model, threads)
        ready(tuple((fixed or 1, *_lengths(shape)) for shape in shapes))
    except RuntimeError as error:
        raise ArtifactError(
            f"OpenVINO {openvino.get_version()} can't load {path}: {_last_line(error)}"
        ) from error
    predict = _one(ready) if len(shapes) == len(model.outputs) == 1 else _several(ready)
    return predict if fixed is None else exactly(predict, fixed)


def _lengths(shape: openvino.PartialShape) -> list[int]:
    """The sizes of one sample. Raises RuntimeError where one is left open."""
    return [size.get_length() for size in [*shape][1:]]


def _compiler(core: openvino.Core, model: openvino.Model, threads: int) -> Ready:
    """A function that compiles the model for the shapes of its inputs, once for each."""
    names = [value.any_name for value in model.inputs]

    @lru_cache(_SHAPES)
    def ready(shapes: tuple[tuple[int, ...], ...]) -> _Request:
        model.reshape(dict(zip(names, shapes, strict=True)))
        request = core.compile_model(model, "CPU", options(threads)).create_infer_request()
        return _Request(
            request,
            tuple(request.get_input_tensor(place).data for place in range(len(names))),
            tuple(request.get_output_tensor(place).data for place in range(len(model.outputs))),
        )

    return ready


def _one(ready: Ready) -> Predict:
    def predict(inputs: Array) -> Array:
        request, (held,), (output,) = ready((inputs.shape,))
        np.copyto(held, inputs)  # binding the caller's memory to the request takes longer
        request.infer()
        return output.copy()

    return predict


def _several(ready: Ready) -> Predict:
    def predict(*inputs: Array) -> Array | Arrays:
        request, held, outputs = ready(tuple(array.shape for array in inputs))
        for memory, array in zip(held, inputs, strict=True):
            np.copyto(memory, array)
        request.infer()
        return answer([output.copy() for output in outputs])

    return predict


def options(threads: int) -> dict[str, object]:
    """The settings of every compiled model, profiled or not."""
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
