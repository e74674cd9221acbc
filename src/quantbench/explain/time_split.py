"""Split the time of a row: arithmetic, conversions, other operators, the call itself.

The parts come from the profiler of the row's runtime, and are scaled to the time of a call that
isn't profiled. docs/explain.md says how the fixed cost of a call is told from them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

from pydantic import JsonValue

from quantbench.artifacts.artifact import Artifact
from quantbench.errors import ArtifactError, WorkerError
from quantbench.explain.limit import limit_of
from quantbench.explain.profiling import worker
from quantbench.explain.profiling.call_cost import CallCost, call_cost
from quantbench.explain.profiling.layer_names import layers_of
from quantbench.explain.profiling.operators import Operator, why_no_profile
from quantbench.explain.records import LayerTime, Part, Peaks, TimeSplit, Unsplit
from quantbench.explain.subject import Subject
from quantbench.harness.pool import write_samples
from quantbench.harness.process import Worker
from quantbench.harness.worker import Request
from quantbench.numerics.coverage import LayerNumerics
from quantbench.results.records import Row

_TIMEOUT = 120.0
"""Seconds without an answer after which a worker is given up."""
_LINE_BATCH, _LINE_CALLS = 8, 60
_FAITHFUL = 0.05
"""The share of the unprofiled time beyond which parts are said to miss it."""


@dataclass(frozen=True)
class Measured:
    """A profile of a row at one batch, in microseconds, beside calls that weren't profiled."""

    profiler: str
    resolution: float
    total: float
    profiled: float
    operators: tuple[Operator, ...]
    us: tuple[float, ...]


def time_splits(
    subject: Subject, rows: Sequence[str] | None = None, peaks: Peaks | None = None
) -> tuple[tuple[TimeSplit, ...], tuple[Unsplit, ...]]:
    """Split the times of rows, each at one sample and at its largest batch.

    `rows`: their names; None takes the shipped row and the fastest float32 of each answer.
    `peaks` of this CPU, where they are known, tell each row's limit. A row whose runtime has no
    profiler, or whose worker fails, is returned with the reason.
    """
    names = dict.fromkeys(default_rows(subject) if rows is None else rows)
    asked = [row for name in names if (row := subject.row(name))]
    reasons = {row.name: why_no_profile(row.runtime) for row in asked}
    unsplit = [Unsplit(row=name, reason=why) for name, why in reasons.items() if why]
    chosen = [row for row in asked if reasons[row.name] is None]
    splits = list[TimeSplit]()
    samples = subject.scratch / "samples of the time split"
    if chosen and not samples.is_dir():
        write_samples(samples, subject.task.test.part(0, max(map(_largest, chosen))))
    for row in subject.progress.each(chosen, "profiles", len(chosen), lambda row: row.name):
        try:
            splits += _splits(subject, row, samples, peaks)
        except (WorkerError, ArtifactError) as error:
            unsplit.append(Unsplit(row=row.name, reason=str(error)))
    return tuple(splits), tuple(unsplit)


def default_rows(subject: Subject) -> list[str]:
    """The shipped row of each answer, and the float32 that it is compared with."""
    names = list[str]()
    for answer in subject.results.answers:
        shipped = answer.ship or answer.smallest
        names += [*([shipped.row] if shipped else []), answer.float32]
        row = subject.row(shipped.row) if shipped else None
        if row and row.against_float:
            names.append(row.against_float.baseline)
    return list(dict.fromkeys(names))


def _splits(subject: Subject, row: Row, samples: Path, peaks: Peaks | None) -> list[TimeSplit]:
    """Raises WorkerError, ArtifactError."""
    artifact, network = subject.artifact(row), subject.task.network
    folder = subject.scratch.absolute()
    request = Request(
        do="load",
        artifact=str(artifact.folder),
        runtime=row.runtime,
        threads=row.threads,
        outputs=network.outputs,
        batch=network.fixed_batch or 1,
    )
    batches = (network.fixed_batch,) if network.fixed_batch else (1, _largest(row))
    with (
        tempfile.TemporaryDirectory(dir=folder) as scratch,
        Worker(f"profile of {row.name}", row.threads, Path(scratch), worker.__name__) as process,
    ):
        process.ask(Request(do="samples", samples=str(samples.absolute())), _TIMEOUT)
        process.ask(request, _TIMEOUT)
        measured = {
            batch: _measured(process, request, batch, scratch) for batch in dict.fromkeys(batches)
        }
        line = None if network.fixed_batch else _line(process, request, row)
    return [split(row, artifact, batch, its, line, peaks) for batch, its in measured.items()]


def _largest(row: Row) -> int:
    return max((x.batch for x in row.latency if x.kind == "model"), default=1)


def _measured(process: Worker, loaded: Request, batch: int, scratch: str) -> Measured:
    request = loaded.model_copy(update={"do": "profile", "batch": batch, "out": scratch})
    return measured_of(process.ask(request, _TIMEOUT))


def measured_of(answer: Mapping[str, JsonValue]) -> Measured:
    """The measurement that a worker's answer holds."""
    told = cast(list[dict[str, JsonValue]], answer["operators"])
    return Measured(
        profiler=str(answer["profiler"]),
        resolution=cast(float, answer["resolution"]),
        total=cast(float, answer["total"]),
        profiled=cast(float, answer["profiled"]),
        operators=tuple(Operator.model_validate(operator) for operator in told),
        us=tuple(cast(list[float], answer["us"])),
    )


def _line(process: Worker, loaded: Request, row: Row) -> dict[int, float] | None:
    """Batch -> microseconds of an unprofiled call; None for a row of one batch size."""
    largest = min(_LINE_BATCH, _largest(row))
    if largest < 2:
        return None
    request = loaded.model_copy(update={"do": "lines", "batch": largest, "calls": _LINE_CALLS})
    return line_of(process.ask(request, _TIMEOUT))


def line_of(answer: Mapping[str, JsonValue]) -> dict[int, float]:
    """Batch -> microseconds of an unprofiled call, from a worker's answer."""
    return {int(batch): us for batch, us in cast(dict[str, float], answer["us"]).items()}


def split(
    row: Row,
    artifact: Artifact,
    batch: int,
    measured: Measured,
    line: Mapping[int, float] | None,
    peaks: Peaks | None,
) -> TimeSplit:
    """The split of a row at one batch, from its profile and from its line of batches."""
    cost = call_cost(measured.total, measured.profiled, measured.us, line)
    layers = artifact.body.quantized.layers
    found = layers_of(measured.operators, layers)
    times = tuple(
        _layer_time(operator, us * cost.scale, its)
        for operator, us, its in zip(measured.operators, measured.us, found, strict=True)
    )
    parts = dict.fromkeys(cast(tuple[Part, ...], get_args(Part)), 0.0)
    for time in times:
        parts[time.part] += time.us
    parts["call"] = cost.us
    return TimeSplit(
        row=row.name,
        batch=batch,
        threads=row.threads,
        total_us=measured.total,
        profiled_us=measured.profiled,
        profiler=measured.profiler,
        parts=parts,
        layers=times,
        limit=peaks and limit_of(layers, row.bytes, batch, row.threads, measured.total, peaks),
        note=" ".join(_notes(measured, cost, layers, found)),
    )


def _layer_time(operator: Operator, us: float, layers: Sequence[LayerNumerics]) -> LayerTime:
    return LayerTime(
        name=" + ".join(layer.name for layer in layers) or operator.name,
        kind=operator.kind,
        part=operator.part,
        us=us,
        macs=sum(layer.macs for layer in layers) or operator.macs or 0,
    )


def _notes(
    measured: Measured,
    cost: CallCost,
    layers: Sequence[LayerNumerics],
    found: Sequence[Sequence[LayerNumerics]],
) -> list[str]:
    """Notes that a reader of the split should know, a sentence each."""
    notes, total = list[str](), measured.total
    if abs(cost.unscaled - total) > _FAITHFUL * total:
        notes.append(
            f"With its profiler on, the call takes {measured.profiled / total:.2f} times as long; "
            f"unscaled, the parts sum to {cost.unscaled / total:.0%} of the unprofiled call."
        )
    if cost.high - cost.low > _FAITHFUL * total:
        notes.append(
            f"The call's own cost is known to lie between {cost.low:.3g} and {cost.high:.3g} us."
        )
    counted = sum(us > 0 for us in measured.us)
    if measured.resolution / 2 * counted > _FAITHFUL * total:
        notes.append(
            f"The profiler counts whole microseconds for each of {counted} operators, so "
            "short ones are known to half of one."
        )
    if moved := floats_in_runtime(measured.operators, found):
        notes.append(f"Integers in the file, float32 in the runtime: {', '.join(moved)}.")
    named = {layer.name for its in found for layer in its}
    if missing := [layer.name for layer in layers if layer.name not in named]:
        notes.append(f"No operator could be told to be {', '.join(missing)}.")
    return notes


def floats_in_runtime(
    operators: Sequence[Operator], found: Sequence[Sequence[LayerNumerics]]
) -> list[str]:
    """The layers that are integer in the file and that an operator ran in float32."""
    return [
        layer.name
        for operator, layers in zip(operators, found, strict=True)
        for layer in layers
        if operator.part == "float" and layer.integer
    ]
