"""The compiler's C, built with a counter behind each layer; the code of the layers is the same."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from quantbench.artifacts.artifact import Artifact
from quantbench.c99.build.loader import counted
from quantbench.c99.compile import emitted
from quantbench.c99.emit.describe import describe
from quantbench.c99.emit.library import Emitted, Options
from quantbench.c99.frontend.reader import read
from quantbench.c99.ir.graph import Step
from quantbench.c99.target.target import Target
from quantbench.errors import UnavailableError
from quantbench.explain.profiling.operators import WARM, Operator, Profile, Profiled
from quantbench.explain.records import Part
from quantbench.samples.records import Array, Arrays

PROFILER = "counters between the layers of the generated C"
RESOLUTION = 0.0
_CONVERSION = Operator(name="float32 <-> the network's integers", kind="convert", part="conversion")
_LAYOUT = _CONVERSION.model_copy(update={"name": "order of the image's values"})


def start(artifact: Artifact, threads: int, inputs: Arrays, folder: Path) -> Profiled:
    """Build the network with counters. Raises UnavailableError for several threads."""
    if threads > 1:
        raise UnavailableError("the counters of the generated C are those of one thread")
    code = emitted(
        read(artifact.folder / "model.onnx"), Target.NATIVE, options=Options(counters=True)
    )
    network = counted(code)
    snapshots = [network.ticks()]
    began = network.now(), time.perf_counter_ns()

    def predict(*arrays: Array) -> object:
        answer = network.predict(*arrays)
        snapshots.append(network.ticks())
        return answer

    def finish() -> Profile:
        ticks, nanoseconds = network.now() - began[0], time.perf_counter_ns() - began[1]
        counts = np.diff(np.array(snapshots[WARM:], np.float64), axis=0)
        return Profile(_operators(code), counts * (nanoseconds / ticks / 1e3))

    return Profiled(predict, finish)


def _operators(code: Emitted) -> tuple[Operator, ...]:
    ends = _LAYOUT if code.plan.graph.is_float32 else _CONVERSION
    return (*(_operator(step, code) for step in code.plan.steps), ends)


def _operator(step: Step, code: Emitted) -> Operator:
    described = describe(step, code.labels)
    macs = code.plan.macs(step)
    return Operator(
        name=described.label,
        kind=described.operation,
        part=_part(macs, code),
        sources=(described.label,),
        macs=macs,
    )


def _part(macs: int, code: Emitted) -> Part:
    if macs:
        return "float" if code.plan.graph.is_float32 else "integer"
    return "other"
