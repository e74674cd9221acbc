"""ONNX Runtime's own profiler: a JSON file with the time of each node of the optimized graph."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime as ort

from quantbench.artifacts.artifact import Artifact
from quantbench.artifacts.onnx_file import checked
from quantbench.explain.profiling.onnx_nodes import CONVERSIONS, FileNode, file_nodes
from quantbench.explain.profiling.operators import WARM, Operator, Profile, Profiled
from quantbench.explain.records import Part
from quantbench.runtimes.onnxruntime import PROVIDERS, session_options
from quantbench.samples.records import Array, Arrays

PROFILER = "ONNX Runtime's profiler"
RESOLUTION = 1.0
_TIME = "_kernel_time"
_INTEGER = frozenset(
    ("QLinearConv", "QLinearMatMul", "QGemm", "ConvInteger", "MatMulInteger",
     "DynamicQuantizeMatMul", "MatMulIntegerToFloat", "QAttention", "DynamicQuantizeLSTM",
     "ConvIntegerToFloat", "QLinearConvTranspose", "MatMulNBits")
)  # fmt: skip
_FLOAT = frozenset(
    ("Conv", "FusedConv", "ConvTranspose", "Gemm", "FusedGemm", "MatMul", "FusedMatMul",
     "TransposeMatMul", "LSTM", "GRU", "RNN", "Attention", "MultiHeadAttention", "Einsum",
     "NhwcFusedConv")
)  # fmt: skip
_CONVERSIONS = CONVERSIONS | {"ReorderInput", "ReorderOutput"}


def start(artifact: Artifact, threads: int, inputs: Arrays, folder: Path) -> Profiled:
    """Open a session with the settings of the measured one and its profiler on."""
    path = artifact.folder / "model.onnx"
    options = session_options(threads)
    options.enable_profiling = True
    options.profile_file_prefix = str(folder / "profile")
    session = ort.InferenceSession(checked(path).data, options, providers=[*PROVIDERS])
    names = [value.name for value in session.get_inputs()]

    def predict(*arrays: Array) -> object:
        return session.run(None, dict(zip(names, arrays, strict=True)))

    def finish() -> Profile:
        events = json.loads(Path(session.end_profiling()).read_bytes())
        return profile_of(events, file_nodes(path))

    return Profiled(predict, finish)


def profile_of(events: list[dict[str, object]], nodes: dict[str, FileNode]) -> Profile:
    """The nodes that ran, from the events of the file that the profiler wrote.

    A duration is in whole microseconds, rounded down: half of one is added.
    """
    durations: dict[str, list[float]] = {}
    kinds: dict[str, str] = {}
    for event in events:
        name, details = event["name"], event.get("args")
        if event.get("cat") == "Node" and str(name).endswith(_TIME) and isinstance(details, dict):
            node = str(name).removesuffix(_TIME)
            kinds[node] = str(details["op_name"])
            durations.setdefault(node, []).append(float(str(event["dur"])) + RESOLUTION / 2)
    operators = tuple(_operator(name, kind, nodes) for name, kind in kinds.items())
    calls = min(map(len, durations.values()))
    us = np.array([times[-(calls - WARM) :] for times in durations.values()], np.float64)
    return Profile(operators, us.T)


def _operator(name: str, kind: str, nodes: dict[str, FileNode]) -> Operator:
    known = next((nodes[part] for part in _stems(name) if part in nodes), None)
    sources = known.names if known else (name,)
    return Operator(name=name, kind=kind, part=_part(kind, own=known is not None), sources=sources)


def _stems(name: str) -> tuple[str, ...]:
    """The names that a node may have in the file: fusions add to it, in front and behind."""
    plain = name.removeprefix("fused ").removesuffix("_nchwc")
    return name, plain, plain.partition("_token_")[0], plain.removesuffix("_quant")


def _part(kind: str, *, own: bool) -> Part:
    """The part of an operator; `own`: the file has it, else the runtime added it."""
    if kind in _INTEGER:
        return "integer"
    if kind in _FLOAT:
        return "float"
    if kind in _CONVERSIONS or (kind == "Transpose" and not own):
        return "conversion"
    return "other"
