"""Engines that fail, in real worker processes: a row is lost, never a study."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from quantbench.errors import WorkerError
from quantbench.harness.measure import Measured, measure
from quantbench.harness.pool import Candidate, Job
from quantbench.runtimes.null import Null, save_null
from quantbench.studies.named import runtime_named
from quantbench.system.machine import environment
from quantbench.tasks.task import Task
from tests.small_study import SCHEDULE

AT_LOAD, AT_EVALUATION, AT_WARMING_UP, AT_TIMING = 0, 1, 4, 24
TOLD = [
    ("crash", "was killed by SIGSEGV"),
    ("killed", "was killed by SIGKILL, probably for memory"),
    ("raise", "raised RuntimeError: the null runtime was told to fail"),
    ("nan", "gave values that aren't finite for "),
    ("infinity", "gave values that aren't finite for "),
    ("shape", ", 9], not float32 ["),
    ("rows", ", not float32 ["),
    ("dtype", "gave float64 ["),
]


def measured(task: Task, folder: Path, timeout: float = 60, **nulls: Null) -> Measured:
    job = Job(
        task=task,
        threads=(1,),
        schedule=SCHEDULE.model_copy(update={"timeout": timeout}),
        machine=environment(),
        evaluations=folder / "evaluations",
        timings=folder / "timings",
        scratch=folder,
    )
    rows = [
        Candidate(save_null(folder, name, null), runtime_named("null"))
        for name, null in nulls.items()
    ]
    return measure(job, rows)


def children() -> list[str]:
    """Workers that this process started and that still run."""
    commands = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            status = (path / "status").read_text()
            command = (path / "cmdline").read_text(errors="replace")
        except OSError:
            continue
        if f"PPid:\t{os.getpid()}\n" in status and "quantbench.harness.worker" in command:
            commands.append(command)
    return commands


@pytest.mark.parametrize("after", [AT_LOAD, AT_EVALUATION, AT_WARMING_UP, AT_TIMING])
@pytest.mark.parametrize(("fault", "reason"), TOLD)
def test_a_failing_runtime_loses_its_own_row_only(
    task: Task, tmp_path: Path, fault: str, reason: str, after: int
) -> None:
    bad = Null(fault=fault, after=after)  # type: ignore[arg-type]
    result = measured(task, tmp_path, float32=Null(), bad=bad, good=Null(call_us=100))
    assert [candidate.artifact.body.method for candidate in result.candidates] == [
        "float32",
        "good",
    ]
    assert all(len(cell.blocks) == 6 for timing in result.timings for cell in timing.latency)
    (skipped,) = result.skipped
    assert (skipped.method, skipped.runtime, skipped.failed) == ("bad", "null", True)
    assert reason in skipped.reason
    assert children() == []


@pytest.mark.parametrize("after", [AT_LOAD, AT_EVALUATION, AT_TIMING])
def test_a_hanging_runtime_is_given_up(task: Task, tmp_path: Path, after: int) -> None:
    bad = Null(fault="hang", after=after)
    result = measured(task, tmp_path, timeout=4, float32=Null(), bad=bad)
    assert [candidate.artifact.body.method for candidate in result.candidates] == ["float32"]
    assert result.skipped[0].reason == "did not answer within 4 s"
    assert children() == []


def test_what_failed_is_tried_again_and_what_did_not_is_kept(task: Task, tmp_path: Path) -> None:
    nulls = {"float32": Null(), "bad": Null(fault="crash", after=AT_EVALUATION)}
    first = measured(task, tmp_path, **nulls)
    answers = list((tmp_path / "evaluations").iterdir())
    assert [path.name.rpartition("-")[0] for path in answers] == ["float32-null"]
    again = measured(task, tmp_path, **nulls)
    assert again.skipped == first.skipped
    assert list((tmp_path / "evaluations").iterdir()) == answers


def test_without_float_there_is_nothing_to_compare_with(task: Task, tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match=r"could not run on any runtime: null: .*SIGSEGV"):
        measured(task, tmp_path, float32=Null(fault="crash"), good=Null())
    assert children() == []
