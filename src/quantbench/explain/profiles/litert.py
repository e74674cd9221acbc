"""LiteRT, run to the end of one operator after the other: what each takes longer."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from quantbench.artifacts.artifact import Artifact
from quantbench.artifacts.tflite_file import MODEL, TfliteGraph, TfliteOperator, checked, read_graph
from quantbench.errors import UnavailableError, cause
from quantbench.explain.profiling.operators import Operator, Profile, Profiled
from quantbench.explain.profiling.undisturbed import undisturbed
from quantbench.explain.records import Part
from quantbench.samples.records import Array, Arrays
from quantbench.system.silence import silenced_natively
from quantbench.tasks.tflite_layers import WEIGHTS, layers_of
from quantbench.tasks.tflite_run import resized, runner

PROFILER = "LiteRT, run to the end of each operator"
RESOLUTION = 0.0
MAX_OPERATORS = 64
"""Each has an interpreter of its own, which packs the weights of all before it."""
_SECONDS = 0.3
_MIN_ROUNDS, _MAX_ROUNDS = 4, 60
_CONVERSION = frozenset(("QUANTIZE", "DEQUANTIZE", "CAST", "TRANSPOSE"))


def start(artifact: Artifact, threads: int, inputs: Arrays, folder: Path) -> Profiled:
    """Load the model, and the models that end behind each operator, for inputs of this shape.

    LiteRT's own profiler can't be reached from Python. Raises UnavailableError for more than
    MAX_OPERATORS operators.
    """
    path = artifact.folder / MODEL
    graph, data = read_graph(path), checked(path)
    if len(graph.operators) > MAX_OPERATORS:
        raise UnavailableError(
            f"it has {len(graph.operators)} operators, and LiteRT, whose profiler can't be reached "
            f"from Python, is run to the end of each of up to {MAX_OPERATORS}"
        )
    ends = [_interpreter(part, threads, inputs) for part in prefixes(data, graph)]
    run = runner(ends[-1])

    def finish() -> Profile:
        operators = tuple(
            _operator(graph, place, operator) for place, operator in enumerate(graph.operators)
        )
        return Profile(operators, np.array([longer(_times(ends))], np.float64))

    return Profiled(lambda *arrays: run(arrays), finish)


def longer(times: Array) -> list[float]:
    """Microseconds that each end [calls, ends] takes longer than the one before it; 0 at least."""
    means = [float(undisturbed(column)) for column in times.T]
    return [max(late - early, 0.0) for early, late in pairwise((0.0, *means))]


def prefixes(data: bytes, graph: TfliteGraph) -> list[bytes]:
    """The model's first operator, its first two, and so on, each a model of its own.

    An output of the whole model that is computed by then stays one.
    """
    parts = []
    for count in range(1, len(graph.operators) + 1):
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data))
        first = model.subgraphs[0]
        computed = {place for op in graph.operators[:count] for place in op.outputs}
        outputs = [place for place in map(int, first.outputs) if place in computed]
        last = [place for place in graph.operators[count - 1].outputs if place not in outputs]
        if count < len(graph.operators):
            outputs += last
        first.operators, first.outputs = first.operators[:count], outputs
        model.signatureDefs = []  # they name the outputs of the whole
        builder = flatbuffers.Builder(len(data))
        builder.Finish(model.Pack(builder), b"TFL3")
        parts.append(bytes(builder.Output()))
    return parts


def _interpreter(data: bytes, threads: int, inputs: Arrays) -> Any:
    """An interpreter that has run once for these inputs. Raises UnavailableError if it can't."""
    try:
        with silenced_natively():
            interpreter = Interpreter(model_content=data, num_threads=threads)
            resized(interpreter, len(inputs[0]))
            runner(interpreter)(inputs)
    except (RuntimeError, ValueError) as error:
        raise UnavailableError(f"LiteRT doesn't run a part of the model: {cause(error)}") from error
    return interpreter


def _times(ends: list[Any]) -> Array:
    """Microseconds [rounds, ends], each end in turn."""
    began, rounds = time.monotonic(), list[list[float]]()
    while len(rounds) < _MIN_ROUNDS or (
        len(rounds) < _MAX_ROUNDS and time.monotonic() - began < _SECONDS
    ):
        row = []
        for end in ends:
            start = time.perf_counter_ns()
            end.invoke()
            row.append((time.perf_counter_ns() - start) / 1e3)
        rounds.append(row)
    return np.array(rounds)


def _operator(graph: TfliteGraph, place: int, operator: TfliteOperator) -> Operator:
    names = [layer.name for layer, of in layers_of(graph) if of is operator]
    return Operator(
        name=names[0] if names else f"{operator.kind} ({place})",
        kind=operator.kind,
        part=_part(graph, operator),
        sources=tuple(names),
    )


def _part(graph: TfliteGraph, operator: TfliteOperator) -> Part:
    """The part of an operator; weights of integers are multiplied as integers."""
    if operator.kind in WEIGHTS:
        weights = graph.tensors[operator.inputs[WEIGHTS[operator.kind]]]
        return "integer" if "INT" in weights.dtype else "float"
    return "conversion" if operator.kind in _CONVERSION else "other"
