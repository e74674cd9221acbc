"""OpenVINO's performance counters: the mean time of each node of the compiled graph."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import openvino

from quantbench.artifacts.artifact import Artifact
from quantbench.artifacts.onnx_file import checked
from quantbench.explain.profiling.onnx_nodes import CONVERSIONS, FileNode, file_nodes
from quantbench.explain.profiling.operators import WARM, Operator, Profile, Profiled
from quantbench.explain.profiling.undisturbed import undisturbed
from quantbench.explain.records import Part
from quantbench.runtimes.openvino import options
from quantbench.samples.records import Array, Arrays

PROFILER = "OpenVINO's performance counters"
RESOLUTION = 1.0
_MULTIPLY = frozenset(
    ("Convolution", "FullyConnected", "MatMul", "Deconvolution", "GroupConvolution", "RNNCell",
     "RNNSeq", "LSTMSequence", "GRUSequence", "LSTMCell", "GRUCell", "MHA", "ScaledDotProduct")
)  # fmt: skip
_CONVERT = frozenset(("Reorder", "FakeQuantize", "Convert"))
_NO_WORK = frozenset(("Const", "Input", "Output", "Parameter", "Result"))
_PRODUCTS = frozenset(
    ("Conv", "ConvTranspose", "Gemm", "MatMul", "ConvInteger", "MatMulInteger", "QLinearConv")
)


def start(artifact: Artifact, threads: int, inputs: Arrays, folder: Path) -> Profiled:
    """Compile with the settings of the measured model and its counters on.

    The counters are means that hold disturbed calls, too: they are scaled down where they sum to
    more than a call takes that nothing disturbed.
    """
    path = artifact.folder / "model.onnx"
    core = openvino.Core()
    model = core.read_model(checked(path).data)
    shapes = {
        value.any_name: array.shape for value, array in zip(model.inputs, inputs, strict=True)
    }
    model.reshape(shapes)
    compiled = core.compile_model(model, "CPU", options(threads) | {"PERF_COUNT": True})
    request = compiled.create_infer_request()
    held = [request.get_input_tensor(place).data for place in range(len(inputs))]
    walls, before = list[float](), dict[str, float]()

    def predict(*arrays: Array) -> object:
        for memory, array in zip(held, arrays, strict=True):
            np.copyto(memory, array)
        began = time.perf_counter_ns()
        request.infer()
        walls.append((time.perf_counter_ns() - began) / 1e3)
        if len(walls) == WARM:
            before.update(_means(request))
        return None

    def finish() -> Profile:
        operators = _operators(compiled, file_nodes(path))
        after = _means(request)
        us = [
            mean_between(before.get(o.name, 0), after.get(o.name, 0), len(walls)) for o in operators
        ]
        call = float(undisturbed(np.array(walls[WARM:])))
        return Profile(operators, np.array([us], np.float64) * min(1.0, call / max(sum(us), 1.0)))

    return Profiled(predict, finish)


def _means(request: openvino.InferRequest) -> dict[str, float]:
    """Node -> mean microseconds of all calls so far, a whole number."""
    return {node.node_name: node.real_time.total_seconds() * 1e6 for node in request.profiling_info}


def mean_between(early: float, late: float, calls: int) -> float:
    """Mean microseconds of the calls behind the first WARM, from the means of these and of all.

    Each call's time and each mean is rounded down: half a microsecond is added for either.
    """
    if late == 0:
        return 0.0
    half = RESOLUTION / 2
    total = (late + half) * calls - (early + half) * WARM
    return max(total / (calls - WARM) + half, half)


def _operators(
    compiled: openvino.CompiledModel, nodes: dict[str, FileNode]
) -> tuple[Operator, ...]:
    """The nodes of the graph that runs, in their order."""
    described = [
        (node.get_friendly_name(), {key: str(v.value) for key, v in node.get_rt_info().items()})
        for node in compiled.get_runtime_model().get_ordered_ops()
    ]
    return tuple(
        _operator(name, info, nodes)
        for name, info in described
        if info["layerType"] not in _NO_WORK
    )


def _operator(name: str, info: dict[str, str], nodes: dict[str, FileNode]) -> Operator:
    stems = [part.partition("/")[0] for part in info["originalLayersNames"].split(",") if part]
    known = [nodes[stem] for stem in dict.fromkeys(stems) if stem in nodes]
    return Operator(
        name=name,
        kind=f"{info['layerType']} {info['primitiveType']}",
        part=_part(info, {node.op for node in known}),
        sources=tuple(part for node in known for part in node.names),
    )


def _part(info: dict[str, str], ops: set[str]) -> Part:
    """The part of a node that stands for nodes of the file with the operators `ops`.

    Small matrix products may be compiled together with their neighbours into one subgraph.
    """
    if info["layerType"] in _MULTIPLY or (info["layerType"] == "Subgraph" and ops & _PRODUCTS):
        integer = info["primitiveType"].upper().endswith(("I8", "U8"))
        return "integer" if integer else "float"
    if info["layerType"] in _CONVERT or (ops and ops <= CONVERSIONS):
        return "conversion"
    return "other"
