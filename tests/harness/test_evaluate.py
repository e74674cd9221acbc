"""Studies of many rows: what is asked of workers, at a time and again after a run was stopped."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from quantbench.harness.measure import Measured, measure
from quantbench.harness.pool import Candidate, Job
from quantbench.harness.worker import Request
from quantbench.runtimes.null import Null, save_null
from quantbench.studies.named import runtime_named
from quantbench.system.machine import environment
from quantbench.tasks.task import Task
from tests.small_study import SCHEDULE
from tests.stub_worker import StubWorker


class CountingWorker(StubWorker):
    """Counts requests, and may be stopped at a prediction."""

    asked: ClassVar[Counter[str]] = Counter()
    predicting: ClassVar[list[str]] = []
    stop_at: ClassVar[int] = -1
    together: ClassVar[threading.Barrier | None] = None

    def begin(self, request: Request) -> None:
        self.asked[request.do] += 1

    def outputs(self) -> NDArray[np.float32]:
        if self.together is not None:
            self.together.wait(timeout=20)
        if len(self.predicting) == self.stop_at:
            raise KeyboardInterrupt
        self.predicting.append(self.name)
        return np.zeros((200, 10), np.float32)


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> type[CountingWorker]:
    monkeypatch.setattr("quantbench.harness.pool.Worker", CountingWorker)
    monkeypatch.setattr("quantbench.harness.timing.Worker", CountingWorker)
    monkeypatch.setattr(CountingWorker, "asked", Counter())
    monkeypatch.setattr(CountingWorker, "predicting", [])
    return CountingWorker


@contextmanager
def stopped_at(monkeypatch: pytest.MonkeyPatch, predictions: int) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(CountingWorker, "stop_at", predictions)
        yield


def measured(task: Task, folder: Path, rows: int, jobs: int = 1) -> Measured:
    job = Job(
        task=task,
        threads=(1,),
        schedule=SCHEDULE,
        machine=environment(),
        evaluations=folder / "evaluations",
        timings=folder / "timings",
        scratch=folder,
        jobs=jobs,
    )
    names = ["float32", *(f"method{number}" for number in range(1, rows))]
    runtime = runtime_named("null")
    return measure(job, [Candidate(save_null(folder, name, Null()), runtime) for name in names])


def test_a_study_that_was_stopped_predicts_only_what_is_left(
    task: Task,
    tmp_path: Path,
    workers: type[CountingWorker],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """100 rows, stopped in the 51st: the next run predicts 50, and the one after none."""
    with stopped_at(monkeypatch, 50), pytest.raises(KeyboardInterrupt):
        measured(task, tmp_path, rows=100)
    first = list(workers.predicting)
    assert len(first) == 50
    workers.asked.clear()
    done = measured(task, tmp_path, rows=100)
    assert len(done.candidates) == 100
    assert workers.asked["predict"] == 50
    assert sorted(workers.predicting) == sorted({c.name for c in done.candidates})

    before = Counter(workers.asked)
    assert measured(task, tmp_path, rows=100).timings == done.timings
    assert workers.asked == before  # nothing at all


def test_the_requests_of_a_study_are_linear_in_its_rows(
    task: Task, tmp_path: Path, workers: type[CountingWorker]
) -> None:
    asked = []
    for rows in (25, 50, 100):
        workers.asked.clear()
        measured(task, _made(tmp_path / str(rows)), rows)
        asked.append(dict(workers.asked))
    loops = asked[0].pop("time_data"), asked[1].pop("time_data"), asked[2].pop("time_data")
    assert len(set(loops)) == 1  # the loop without a model, once a study
    for do in ("samples", "pin"):  # its worker, too
        assert [counts.pop(do) - 1 for counts in asked] == [25, 50, 100]
    for do, count in asked[0].items():
        assert [counts[do] for counts in asked] == [count, 2 * count, 4 * count], do


@pytest.mark.parametrize("jobs", [1, 3])
def test_as_many_rows_as_jobs_are_evaluated_at_a_time(
    task: Task,
    tmp_path: Path,
    workers: type[CountingWorker],
    monkeypatch: pytest.MonkeyPatch,
    jobs: int,
) -> None:
    """Each prediction waits until `jobs` of them run: with fewer threads none would go on."""
    monkeypatch.setattr(CountingWorker, "together", threading.Barrier(jobs))
    done = measured(task, tmp_path, rows=6, jobs=jobs)
    assert len(done.candidates) == 6
    assert done.candidates[0].name == "float32 on null"


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
