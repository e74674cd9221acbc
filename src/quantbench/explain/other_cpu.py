"""A prediction of the generated C's times on a CPU with another set of kernels.

A layer that has kernels for both sets takes longer by the ratio of the peaks that their
instructions reach on this CPU; one that runs portable code, conversions and the call take as long
as here. So it tells what the instructions change at this CPU's clock and caches. docs/explain.md
says how far it misses where it can be checked.
"""

from __future__ import annotations

from collections.abc import Sequence

from quantbench.c99.build import toolchain
from quantbench.c99.compile import planned
from quantbench.c99.ir.graph import Plan
from quantbench.c99.simd import select
from quantbench.c99.target.isa import AVX2, AVX512VBMI, AVX512VNNI, AVXVNNI, ISAS, SSE2, Isa, named
from quantbench.errors import UnavailableError, UnknownNameError
from quantbench.explain.records import Peaks, Prediction, TimeSplit
from quantbench.explain.subject import Subject
from quantbench.results.records import Row

_PEAKS = {
    SSE2: "sse2 int8",
    AVX2: "avx2 int8",
    AVXVNNI: "avxvnni int8",
    AVX512VNNI: "avx512vnni int8",
    AVX512VBMI: "avx512vnni int8",
}
"""Kernel set -> the peak of the instruction that it multiplies by."""
_SAME_FLOAT32 = frozenset((AVX2, AVXVNNI, AVX512VNNI, AVX512VBMI))
"""Sets of CPUs that have FMA: the generated C has one set of float32 kernels, for these."""


def predictions(
    subject: Subject, splits: Sequence[TimeSplit], kernels: str, peaks: Peaks
) -> tuple[Prediction, ...]:
    """Predict each integer row on c99 among `splits` with another set of kernels.

    Raises UsageError for an unknown set, UnavailableError for one that this CPU can't run, and
    ArtifactError or CompileError for a file that can't be read.
    """
    (wanted,) = named((kernels,), ISAS)
    here = kernels_here()
    ratio = slowdown(here, wanted, peaks)
    rows = {split.row: row for split in splits if (row := subject.row(split.row))}
    floats = {
        split.batch: split
        for split in splits
        if split.row in rows and _is_float32(rows[split.row]) and rows[split.row].runtime == "c99"
    }
    return tuple(
        _prediction(split, floats[split.batch], (here, wanted), ratio, _plan(subject, split.row))
        for split in splits
        if split.batch in floats
        and split.row in rows
        and rows[split.row].runtime == "c99"
        and not _is_float32(rows[split.row])
    )


def known_kernels(name: str) -> str:
    """The name of a set of kernels, as it was given. Raises UnknownNameError for one that isn't."""
    names = [isa.name for isa in _PEAKS]
    if name not in names:
        raise UnknownNameError("set of kernels", name, names)
    return name


def kernels_here() -> Isa:
    """The set of integer kernels that the C compiler chooses for this CPU.

    Raises UnavailableError without a compiler, or where it chooses portable code.
    """
    compiler = toolchain.find()
    chosen = next((isa for isa in ISAS if toolchain.meets(compiler, isa.condition)), None)
    if chosen is None or chosen not in _PEAKS:
        raise UnavailableError("a prediction starts from kernels for x86-64, which this CPU lacks")
    return chosen


def slowdown(here: Isa, wanted: Isa, peaks: Peaks) -> float:
    """The factor by which a layer takes longer with the kernels `wanted` than with this CPU's.

    Raises UnavailableError for a set whose peak isn't measured on this CPU.
    """
    reached = [peaks.macs_per_us.get(_PEAKS.get(isa, "")) for isa in (here, wanted)]
    if reached[0] is None or reached[1] is None:
        raise UnavailableError(
            f"this CPU has no {wanted.name}, so nothing is known of its speed; predictions are for "
            f"sets that it has: {', '.join(known(peaks))}"
        )
    return reached[0] / reached[1]


def known(peaks: Peaks) -> tuple[str, ...]:
    """The kernel sets that a prediction can be made for."""
    return tuple(isa.name for isa, peak in _PEAKS.items() if peak in peaks.macs_per_us)


def scaled_time(split: TimeSplit, plan: Plan, here: Isa, wanted: Isa, ratio: float) -> float:
    """The predicted microseconds of a call: layers that have kernels for both sets are scaled."""
    scaled = split.total_us
    for time, step in zip(split.layers, plan.steps, strict=False):  # conversions stand behind them
        if all(select.code(step, isa) is not None for isa in (here, wanted)):
            scaled += time.us * (ratio - 1)
    return scaled


def _prediction(
    split: TimeSplit, float32: TimeSplit, isas: tuple[Isa, Isa], ratio: float, plan: Plan
) -> Prediction:
    here, wanted = isas
    int8_us = scaled_time(split, plan, here, wanted, ratio)
    float32_us = float32.total_us if wanted in _SAME_FLOAT32 else None
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


def _plan(subject: Subject, name: str) -> Plan:
    row = subject.row(name)
    assert row is not None
    return planned(subject.artifact(row).folder / "model.onnx")
