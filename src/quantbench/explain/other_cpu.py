"""A prediction of the generated C's times on a CPU with another set of kernels.

The network's own C is built with those kernels alone and timed here, in turn with the C that this
CPU's set gives. So it tells what the instructions change at this CPU's clock, caches and ports. A
ratio of the instructions' peaks would tell less: beside the products a layer loads values, spreads
them over a register and rounds sums, and each set does that in another number of instructions.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from quantbench.c99.build import toolchain
from quantbench.c99.build.loader import loaded
from quantbench.c99.compile import emitted
from quantbench.c99.emit.library import Options
from quantbench.c99.frontend.reader import read
from quantbench.c99.target.isa import AMX_INT8, AVX2, AVX512VBMI, AVX512VNNI, AVXVNNI, ISAS, Isa
from quantbench.c99.target.target import Target
from quantbench.contracts import Predict
from quantbench.errors import UnavailableError, UnknownNameError
from quantbench.explain.profiling.undisturbed import undisturbed
from quantbench.explain.records import Prediction, TimeSplit
from quantbench.explain.subject import Subject
from quantbench.results.records import Row
from quantbench.samples.records import Array

_SAME_FLOAT32 = (frozenset((AVX2, AVXVNNI)), frozenset((AVX512VNNI, AVX512VBMI, AMX_INT8)))
"""Sets of integer kernels whose CPUs have the same float32 kernels."""
_SECONDS = 1.0
_MIN_CALLS, _MAX_CALLS = 8, 400


def predictions(
    subject: Subject, splits: Sequence[TimeSplit], kernels: str
) -> tuple[Prediction, ...]:
    """Predict each integer row on c99 among `splits` with another set of kernels.

    Raises UnknownNameError for an unknown set, UnavailableError for one that this CPU can't run,
    and ArtifactError or CompileError for a file that can't be read or built.
    """
    here, wanted = kernels_here(), _runnable(kernels)
    rows = {split.row: row for split in splits if (row := subject.row(split.row))}
    floats = {
        split.batch: split
        for split in splits
        if split.row in rows and _is_float32(rows[split.row]) and rows[split.row].runtime == "c99"
    }
    integers = [
        split
        for split in splits
        if split.batch in floats
        and split.row in rows
        and rows[split.row].runtime == "c99"
        and not _is_float32(rows[split.row])
    ]
    found = list[Prediction]()
    for name in dict.fromkeys(split.row for split in integers):
        model = subject.artifact(rows[name]).folder / "model.onnx"
        both = [built(model, isa, rows[name].threads) for isa in (here, wanted)]
        for split in (split for split in integers if split.row == name):
            (inputs,) = subject.task.test.inputs(0, split.batch)
            usual, other = in_turn(both, inputs)
            found.append(_prediction(split, floats[split.batch], (here, wanted), other / usual))
    return tuple(found)


def known_kernels(name: str) -> str:
    """The name of a set of kernels, as it was given. Raises UnknownNameError for one that isn't."""
    if name not in _by_name():
        raise UnknownNameError("set of kernels", name, _by_name())
    return name


def kernels_here() -> Isa:
    """The set of integer kernels that the C compiler chooses for this CPU.

    Raises UnavailableError without a compiler, or where it chooses portable code.
    """
    chosen = next(iter(available()), None)
    if chosen is None:
        raise UnavailableError("a prediction starts from this CPU's kernels, and it has none")
    return chosen


def available() -> tuple[Isa, ...]:
    """The sets of kernels that this CPU can run, the best first."""
    compiler = toolchain.find()
    return tuple(isa for isa in ISAS if toolchain.meets(compiler, isa.condition))


def built(model: Path, isa: Isa, threads: int) -> Predict:
    """The C of a network with the kernels of one set alone, as a function.

    Raises what loading it raises.
    """
    code = emitted(read(model), Target.NATIVE, options=Options(isas=(isa.name,)))
    return loaded(code, threads)


def in_turn(networks: Sequence[Predict], inputs: Array) -> list[float]:
    """Microseconds of a call of each network, called one after the other, over and over."""
    times: list[list[float]] = [[] for _ in networks]
    began = time.monotonic()
    while len(times[0]) < _MIN_CALLS or (
        len(times[0]) < _MAX_CALLS and time.monotonic() - began < _SECONDS
    ):
        for network, its in zip(networks, times, strict=True):
            start = time.perf_counter_ns()
            network(inputs)
            its.append((time.perf_counter_ns() - start) / 1e3)
    return [float(undisturbed(np.array(its))) for its in times]


def _runnable(name: str) -> Isa:
    """The set of that name. Raises UnavailableError for one that this CPU can't run."""
    wanted = _by_name()[known_kernels(name)]
    sets = available()
    if wanted not in sets:
        raise UnavailableError(
            f"this CPU has no {name}, so nothing is known of its speed; predictions are for "
            f"sets that it has: {', '.join(isa.name for isa in sets)}"
        )
    return wanted


def _by_name() -> Mapping[str, Isa]:
    return {isa.name: isa for isa in ISAS}


def _prediction(
    split: TimeSplit, float32: TimeSplit, isas: tuple[Isa, Isa], ratio: float
) -> Prediction:
    here, wanted = isas
    int8_us = split.total_us * ratio
    float32_us = float32.total_us if any({*isas} <= same for same in _SAME_FLOAT32) else None
    return Prediction(
        row=split.row,
        float32=float32.row,
        kernels=wanted.name,
        measured_with=here.name,
        batch=split.batch,
        int8_us=int8_us,
        float32_us=float32_us,
        ratio=float32_us and float32_us / int8_us,
    )


def _is_float32(row: Row) -> bool:
    return row.coverage.integer_macs == 0
