"""ExecuTorch's event tracer (ETDump), as its Inspector reads it: XNNPACK's operators and others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch  # before ExecuTorch's own library, which needs PyTorch's
from executorch.extension.pybindings import _C

from quantbench.artifacts.artifact import Artifact
from quantbench.errors import UnavailableError
from quantbench.explain.profiling import WARM, Operator, Profile, Profiled
from quantbench.explain.records import Part
from quantbench.samples.records import Array, Arrays
from quantbench.system.silence import silenced, silenced_natively

PROFILER = "ExecuTorch's event tracer"
RESOLUTION = 1.0
_FRAMES = frozenset(("DELEGATE_CALL", "Method::execute", "OPERATOR_CALL"))
"""Events that hold others, or that only tell how an operator is called."""
_MULTIPLY = ("Convolution", "Fully Connected", "Deconvolution", "Batch Matrix", "native_call_conv",
             "native_call_linear", "native_call_addmm", "native_call_mm")  # fmt: skip
_CONVERT = ("Convert", "Transpose", "native_call_quantize", "native_call_dequantize", "Copy")
_INTEGERS = ("QC8", "QS8", "QU8", "QD8", "QP8", "QB4", "QC4", "QDU8")


def start(artifact: Artifact, threads: int, inputs: Arrays, folder: Path) -> Profiled:
    """Load the program with its tracer on. Raises UnavailableError for a batch that it can't take.

    The thread pool belongs to the process, and has the threads of the measured session.
    """
    path, trace = artifact.folder / "model.pte", folder / "trace.etdump"
    with silenced_natively():
        program = _C._load_program(
            str(path),
            enable_etdump=True,
            program_verification=_C.Verification.InternalConsistency,
        )
        method = program.load_method("forward")
    if not program.has_etdump():
        raise UnavailableError("this build of ExecuTorch has no event tracer")
    largest = method.method_meta().input_tensor_meta(0).sizes()[0]
    if len(inputs[0]) > largest:
        raise UnavailableError(f"its program takes at most {largest} samples at a time")

    def predict(*arrays: Array) -> object:
        given = [torch.from_numpy(np.ascontiguousarray(array)) for array in arrays]
        return method.call(given, clone_outputs=False)

    def finish() -> Profile:
        program.write_etdump_result_to_file(str(trace))
        with silenced(), silenced_natively():
            from executorch.devtools import Inspector  # imports the compiler, for seconds

            blocks = Inspector(etdump_path=str(trace)).event_blocks
        return profile_of(next(block for block in blocks if block.name == "Execute").events)

    return Profiled(predict, finish)


def profile_of(events: Sequence[Any]) -> Profile:
    """The operators among the events, whose times are milliseconds.

    XNNPACK tells whole microseconds, rounded down: half of one is added to its operators.
    """
    chosen = [event for event in events if event.name not in _FRAMES and event.perf_data]
    operators = tuple(_operator(event.name) for event in chosen)
    us = [
        np.array(event.perf_data.raw[WARM:], np.float64) * 1e3
        + (RESOLUTION / 2 if event.is_delegated_op else 0)
        for event in chosen
    ]
    return Profile(operators, np.array(us, np.float64).T)


def _operator(name: str) -> Operator:
    kind = name.rpartition(" #")[0] or name
    return Operator(name=name, kind=kind, part=_part(kind))


def _part(kind: str) -> Part:
    if kind.startswith(_MULTIPLY):
        return "integer" if any(number in kind for number in _INTEGERS) else "float"
    return "conversion" if kind.startswith(_CONVERT) else "other"
