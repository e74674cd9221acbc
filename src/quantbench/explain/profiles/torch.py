"""PyTorch in eager mode, under torch.profiler."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from torch.autograd.profiler_util import FunctionEvent
from torch.profiler import ProfilerActivity, profile, record_function

from quantbench.artifacts.artifact import Artifact
from quantbench.explain.profiling.operators import WARM, Operator, Profile, Profiled
from quantbench.explain.records import Part
from quantbench.runtimes import torch as runtime
from quantbench.samples.records import Array, Arrays
from quantbench.system.silence import silenced_natively

PROFILER = "PyTorch's profiler"
RESOLUTION = 0.0
_CALL = "quantbench call"
_INTEGER = ("quantized::conv", "quantized::linear", "quantized::lstm", "quantized::gru")
_FLOAT = (
    "aten::conv", "aten::linear", "aten::addmm", "aten::matmul", "aten::mm", "aten::bmm",
    "aten::lstm", "aten::gru", "aten::rnn", "aten::scaled_dot_product", "aten::einsum",
    "aten::_native_multi_head",
)  # fmt: skip
_CONVERSION = ("aten::quantize_per", "aten::dequantize", "aten::_make_per", "aten::fake_quantize")


def start(artifact: Artifact, threads: int, inputs: Arrays, folder: Path) -> Profiled:
    """Load the module and start the profiler.

    An operator is what the module calls; what that calls in turn is its own time.
    """
    network = runtime.load(artifact, threads)
    session = profile(activities=[ProfilerActivity.CPU], acc_events=True)
    with silenced_natively():
        session.start()

    def predict(*arrays: Array) -> object:
        with record_function(_CALL):
            return network(*arrays)

    def finish() -> Profile:
        with silenced_natively():
            session.stop()
        calls = [event for event in session.events() or () if event.name == _CALL]
        return profile_of(calls[WARM:])

    return Profiled(predict, finish)


def profile_of(calls: list[FunctionEvent]) -> Profile:
    """The operators of calls that all ran the same ones; calls that didn't are left out."""
    operators = tuple(_operator(event.name) for event in calls[0].cpu_children)
    names = [operator.kind for operator in operators]
    alike = [call for call in calls if [event.name for event in call.cpu_children] == names]
    us = [[event.time_range.elapsed_us() for event in call.cpu_children] for call in alike]
    return Profile(operators, np.array(us, np.float64))


def _operator(name: str) -> Operator:
    return Operator(name=name.rpartition("::")[2], kind=name, part=_part(name))


def _part(name: str) -> Part:
    if name.startswith(_INTEGER):
        return "integer"
    if name.startswith(_FLOAT):
        return "float"
    return "conversion" if name.startswith(_CONVERSION) else "other"
