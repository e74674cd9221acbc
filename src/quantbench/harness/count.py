"""Count the instructions of one call of each row: a figure that other programs don't change.

It is no time: instructions take from a fraction of a cycle to hundreds. The processor's own counter
counts them where the system lends it; else valgrind runs the row on a simulated processor.
"""

from __future__ import annotations

import contextlib
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import cast

from pydantic import JsonValue

from quantbench.c99.build.toolchain import MARCH
from quantbench.errors import UnavailableError, WorkerError
from quantbench.harness.pool import Candidate, Job, at_once, load_request, write_samples
from quantbench.harness.process import Worker
from quantbench.harness.records import CountSource, Instructions
from quantbench.harness.timing import schedule_for
from quantbench.harness.worker import Request
from quantbench.system import instructions
from quantbench.system.fingerprint import fingerprint
from quantbench.system.store import find, path_for, save

_SIMULATED_SECONDS = 1800.0
"""A library is imported up to a hundred times as slowly on the simulated processor."""
_ANSWER_SECONDS = 60.0
_REPEATED = 3
_MACS_COUNTED = 10_000_000
"""Multiply-adds of the calls that are counted at once, about."""


Counted = Instructions | str
"""The instructions of a row, or the reason why it has none."""


def source() -> CountSource:
    """Tell by what instructions are counted here. Raises UnavailableError where nothing can."""
    why = instructions.why_none()
    if why is None:
        return "perf_event"
    if shutil.which("valgrind") and shutil.which("vgdb"):
        return "valgrind"
    raise UnavailableError(f"--count: {why}, and valgrind isn't installed")


def count_all(job: Job, candidates: Sequence[Candidate]) -> list[Counted]:
    """Count a call of each candidate at the smallest batch, or take what is stored.

    Rows are counted at the same time: nothing is timed. Raises UnavailableError.
    """
    by = source()
    batch = min(schedule_for(job).batches)
    samples = job.scratch / "counted samples"
    write_samples(samples, job.task.test.part(0, batch))
    inputs = [_inputs(job, candidate, by, batch) for candidate in candidates]

    def counted(candidate: Candidate, depends_on: dict[str, JsonValue]) -> Counted:
        name = f"{candidate.artifact.body.method}-{candidate.runtime.name}"
        stored = find(job.evaluations, f"count-{name}", "count", depends_on, Instructions)
        if stored is not None:
            return stored.body
        try:
            count = _count(job, candidate, by, batch, samples)
        except WorkerError as error:
            return str(error)
        path = path_for(job.evaluations, f"count-{name}", depends_on)
        return save(path, "count", depends_on, lambda _: count).body

    with at_once(job.jobs) as pool:
        counts = pool.map(counted, candidates, inputs)
        return [*job.progress.each(counts, f"counting by {by}", len(candidates))]


def _inputs(job: Job, candidate: Candidate, by: CountSource, batch: int) -> dict[str, JsonValue]:
    return {
        "row": candidate.inputs(job.machine),
        "test": job.task.test.sha256,
        "batch": batch,
        "source": by,
        "code": {**fingerprint(__name__)},
    }


def _count(
    job: Job, candidate: Candidate, by: CountSource, batch: int, samples: Path
) -> Instructions:
    """The median of some differences between so many calls and twice as many.

    The difference holds no request and no answer. Raises WorkerError.
    """
    calls = max(1, min(8, _MACS_COUNTED // max(job.macs * batch, 1)))
    timeout = job.schedule.timeout if by == "perf_event" else _SIMULATED_SECONDS
    with tempfile.TemporaryDirectory(dir=job.scratch) as folder:
        start = _by_counter if by == "perf_event" else _by_valgrind
        with start(candidate.name, Path(folder).absolute()) as (worker, total):
            worker.ask(Request(do="samples", samples=str(samples.absolute())), timeout)
            worker.ask(load_request(job, candidate, 1), timeout)

            def ran(number: int) -> int:
                before = total()
                call = Request(do="time_model", batch=batch, calls=number, group=number)
                worker.ask(call, timeout)
                return total() - before

            ran(calls)  # what a first call does is done once
            differences = [ran(2 * calls) - ran(calls) for _ in range(_REPEATED)]
    return Instructions(batch=batch, by_sample=median(differences) / calls / batch, source=by)


Counting = Iterator[tuple[Worker, Callable[[], int]]]
"""A worker, and what tells the instructions that it has run since it began to be counted."""


@contextlib.contextmanager
def _by_counter(name: str, folder: Path) -> Counting:
    """The worker opens its counter before it loads a runtime, so that its threads are counted."""
    with Worker(name, 1, folder) as worker:

        def total() -> int:
            return cast(int, worker.ask(Request(do="instructions"), _ANSWER_SECONDS)["count"])

        total()
        yield worker, total


@contextlib.contextmanager
def _by_valgrind(name: str, folder: Path) -> Counting:
    """Callgrind runs the worker, and counts from when its monitor is first asked."""
    prefix = f"--vgdb-prefix={folder / 'vgdb'}"
    command = (
        "valgrind", "--tool=callgrind", "--instr-atstart=no", prefix,
        f"--callgrind-out-file={folder / 'counts'}",
    )  # fmt: skip
    parts = list[int]()  # each dump begins anew

    def total() -> int:
        monitor = ["vgdb", prefix, f"--pid={worker.pid}"]
        if not parts:
            _asked([*monitor, "instrumentation", "on"])
        _asked([*monitor, "dump"])
        counts = (folder / f"counts.{len(parts) + 1}").read_text(encoding="utf-8", errors="replace")
        parts.append(int(_TOTAL.findall(counts)[-1]))
        return sum(parts)

    with Worker(name, 1, folder, before=command, variables=_SIMULATED) as worker:
        yield worker, total


_TOTAL = re.compile(r"^totals: (\d+)", re.MULTILINE)
_SIMULATED = {MARCH: "x86-64-v3"} if platform.machine() == "x86_64" else {}
"""Valgrind runs no AVX-512; other libraries ask the processor, our C is built for it."""


def _asked(command: Sequence[str]) -> None:
    """Ask the monitor. Raises WorkerError where it doesn't answer."""
    try:
        subprocess.run(command, capture_output=True, check=True, timeout=_ANSWER_SECONDS)
    except (subprocess.SubprocessError, OSError) as error:
        raise WorkerError(f"valgrind didn't answer: {error}") from error
