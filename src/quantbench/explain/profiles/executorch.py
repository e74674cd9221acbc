"""ExecuTorch's event tracer: the times of XNNPACK's operators and of all others.

Its file, an ETDump, is read here: ExecuTorch's own Inspector imports the whole compiler first. The
fields are those of executorch/devtools/etdump/etdump_schema_flatcc.fbs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch  # before ExecuTorch's own library, which needs PyTorch's
from executorch.extension.pybindings import _C
from flatbuffers import encode
from flatbuffers.number_types import Uint64Flags, UOffsetTFlags
from flatbuffers.table import Table

from quantbench.artifacts.artifact import Artifact
from quantbench.errors import UnavailableError
from quantbench.explain.profiling.operators import WARM, Operator, Profile, Profiled
from quantbench.explain.records import Part
from quantbench.samples.records import Array, Arrays
from quantbench.system.silence import silenced_natively

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
        return profile_of([*calls(trace.read_bytes())])

    return Profiled(predict, finish)


@dataclass(frozen=True)
class Event:
    """An operator's event; `delegated`: XNNPACK tells it, in whole microseconds."""

    name: str
    delegated: bool
    nanoseconds: int


def profile_of(runs: list[list[Event]]) -> Profile:
    """The operators of all runs that executed the same ones.

    XNNPACK's times are rounded down: half a microsecond is added to its operators.
    """
    names = [event.name for event in runs[0]]
    alike = [run for run in runs[WARM:] if [event.name for event in run] == names]
    us = [
        [event.nanoseconds / 1e3 + (RESOLUTION / 2 if event.delegated else 0) for event in run]
        for run in alike
    ]
    return Profile(tuple(map(_operator, names)), np.array(us, np.float64))


def calls(etdump: bytes) -> Iterator[list[Event]]:
    """Yield the operators of each call, in their order, from the bytes of an ETDump."""
    buffer = etdump[4:]  # its size stands before it
    root = Table(buffer, encode.Get(UOffsetTFlags.packer_type, buffer, 0))
    for run in _tables(root, 1):
        if _text(run, 0) == "Execute":
            events = (_table(entry, 0) for entry in _tables(run, 3))
            yield [operator for event in events if event for operator in _operators(event)]


def _operators(event: Table) -> Iterator[Event]:
    delegated, name = _text(event, 4), _text(event, 0)
    if delegated or (name and name not in _FRAMES):
        start, end = (event.GetSlot(_slot(field), 0, Uint64Flags) for field in (6, 7))
        yield Event(delegated or name, bool(delegated), end - start)


def _slot(field: int) -> int:
    return 4 + 2 * field


def _text(table: Table, field: int) -> str:
    place = table.Offset(_slot(field))
    return table.String(table.Pos + place).decode() if place else ""


def _table(table: Table, field: int) -> Table | None:
    place = table.Offset(_slot(field))
    return Table(table.Bytes, table.Indirect(table.Pos + place)) if place else None


def _tables(table: Table, field: int) -> Iterator[Table]:
    place = table.Offset(_slot(field))
    if place:
        begin = table.Vector(place)
        for number in range(table.VectorLen(place)):
            yield Table(table.Bytes, table.Indirect(begin + 4 * number))


def _operator(name: str) -> Operator:
    kind = name.rpartition(" #")[0] or name
    return Operator(name=name, kind=kind, part=_part(kind))


def _part(kind: str) -> Part:
    if kind.startswith(_MULTIPLY):
        return "integer" if any(number in kind for number in _INTEGERS) else "float"
    return "conversion" if kind.startswith(_CONVERT) else "other"
