"""MNN's session, which calls back before and behind each operator."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from quantbench.artifacts.artifact import Artifact
from quantbench.explain.profiling.operators import WARM, Operator, Profile, Profiled
from quantbench.explain.records import Part
from quantbench.export.to_mnn import MODEL
from quantbench.runtimes.mnn import opened, options, taken
from quantbench.samples.records import Array, Arrays
from quantbench.system.silence import silenced_natively

with silenced_natively():  # it prints what the CPU can do
    import MNN

PROFILER = "MNN's callbacks"
RESOLUTION = 0.0
_INTEGER = ("ConvInt8", "DepthwiseConvInt8", "MatMulInteger")
_FLOAT = (
    "Convolution", "Deconvolution", "MatMul", "BatchMatMul", "LSTM", "RNN", "Attention", "Einsum",
)  # fmt: skip
_CONVERSION = ("FloatToInt8", "Int8ToFloat", "Cast", "ConvertTensor", "Raster")


def start(artifact: Artifact, threads: int, inputs: Arrays, folder: Path) -> Profiled:
    """Open a session with the settings of the measured module, for inputs of this shape.

    A call to Python before and one behind each operator take about a microsecond together.
    """
    _, about = opened(artifact, threads)
    with silenced_natively():
        interpreter = MNN.Interpreter(str(artifact.folder / MODEL))
        session = interpreter.createSession(options(threads))
    tensors = interpreter.getSessionInputAll(session)
    held = [tensors[name] for name in about["inputNames"]]
    for tensor, array in zip(held, inputs, strict=True):
        interpreter.resizeTensor(tensor, array.shape)
    interpreter.resizeSession(session)
    calls = list[list[tuple[str, str, float]]]()
    began = 0

    def before(values: list[Any], operator: Any) -> bool:
        nonlocal began
        began = time.perf_counter_ns()
        return True

    def behind(values: list[Any], operator: Any) -> bool:
        us = (time.perf_counter_ns() - began) / 1e3
        calls[-1].append((operator.getName(), operator.getType(), us))
        return True

    def predict(*arrays: Array) -> object:
        for tensor, array in zip(held, arrays, strict=True):
            tensor.copyFrom(_tensor(taken(array)))
        calls.append([])
        interpreter.runSessionWithCallBackInfo(session, before, behind)
        outputs = interpreter.getSessionOutputAll(session)
        return [np.array(output.getNumpyData()) for output in outputs.values()]

    def finish() -> Profile:
        return profile_of(calls[WARM:])

    return Profiled(predict, finish)


def _tensor(array: Array) -> Any:
    kind = MNN.Halide_Type_Int if array.dtype == np.int32 else MNN.Halide_Type_Float
    return MNN.Tensor(array.shape, kind, array, MNN.Tensor_DimensionType_Caffe)


def profile_of(calls: list[list[tuple[str, str, float]]]) -> Profile:
    """The operators of calls that all ran the same ones, each with its name, type and time."""
    operators = tuple(
        Operator(name=name, kind=kind, part=_part(kind), sources=(name,))
        for name, kind, _ in calls[0]
    )
    us = [[us for _, _, us in call] for call in calls if len(call) == len(operators)]
    return Profile(operators, np.array(us, np.float64))


def _part(kind: str) -> Part:
    if kind.startswith(_INTEGER):
        return "integer"
    if kind.startswith(_CONVERSION):
        return "conversion"
    return "float" if kind.startswith(_FLOAT) else "other"
