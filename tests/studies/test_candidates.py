"""What a study tries within a budget, in which order, and what it leaves out."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.contracts import Plugin, QuantizeJob, RuntimeModule
from quantbench.harness.deadline import NO_LIMIT, Deadline
from quantbench.harness.pool import Candidate
from quantbench.harness.records import Skipped
from quantbench.harness.trial import Trials
from quantbench.studies import candidates
from quantbench.studies.candidates import candidates_of
from quantbench.studies.choose import choose_methods, choose_runtimes
from quantbench.system.machine import environment
from quantbench.system.progress import NO_PROGRESS
from quantbench.system.record import Settings
from quantbench.tasks.task import Task

LEFT_OUT = "no time was left for it in a budget of 10 s; a larger budget measures it"


class NotedTrials(Trials):
    """Trials in which all is well, that note how much time each was given."""

    left: list[tuple[str, float]]

    def failures(
        self,
        artifact: Artifact,
        runtimes: Sequence[Plugin[RuntimeModule]],
        deadline: Deadline = NO_LIMIT,
    ) -> dict[str, Skipped]:
        assert runtimes
        self.left.append((artifact.body.format, deadline.left))
        return {}


def begun(seconds: float, ago: float) -> Deadline:
    return Deadline(seconds, began=time.monotonic() - ago)


def tried(
    task: Task,
    folder: Path,
    *methods: str,
    deadline: Deadline = NO_LIMIT,
    runtimes: tuple[str, ...] = ("torch", "onnxruntime"),
    timeout: float = 300,
    trials: type[NotedTrials] = NotedTrials,
) -> tuple[list[str], list[Skipped], NotedTrials]:
    """The names of the candidates in their order, what is skipped, and the trials."""
    noted = trials(task, folder / "trials", folder, environment())
    noted.left = []
    outcomes = list(
        candidates_of(
            task,
            choose_methods(methods, {}),
            choose_runtimes(runtimes),
            folder / "artifacts",
            noted,
            NO_PROGRESS,
            deadline,
            timeout,
        )
    )
    names = [outcome.name for outcome in outcomes if isinstance(outcome, Candidate)]
    return names, [outcome for outcome in outcomes if isinstance(outcome, Skipped)], noted


def test_within_a_budget_the_fastest_runtime_comes_first(task: Task, tmp_path: Path) -> None:
    names, skipped, trials = tried(task, tmp_path, "dynamic", deadline=Deadline(1000))
    assert names == ["float32 on onnxruntime", "float32 on torch", "dynamic on torch"]
    assert skipped == []
    formats, left = zip(*trials.left, strict=True)
    assert formats == ("onnx", "state_dict", "state_dict")
    # float32 and the method that takes least are measured in any case, on one runtime each.
    assert [seconds == float("inf") for seconds in left] == [True, False, True]
    assert 0 < left[1] <= 650


def test_once_half_is_spent_only_float32_and_the_soonest_method_begin(
    task: Task, tmp_path: Path
) -> None:
    names, skipped, _ = tried(task, tmp_path, "dynamic", "static", deadline=begun(10, ago=6))
    assert names == ["float32 on onnxruntime", "dynamic on torch"]
    assert [(row.method, row.runtime, row.reason, row.failed) for row in skipped] == [
        ("float32", "torch", LEFT_OUT, False),
        ("static", "*", LEFT_OUT, False),
    ]
    assert len(list((tmp_path / "artifacts").iterdir())) == 2


def test_what_was_written_before_takes_no_time(task: Task, tmp_path: Path) -> None:
    tried(task, tmp_path, "dynamic")
    names, skipped, _ = tried(task, tmp_path, "dynamic", "static", deadline=begun(10, ago=6))
    assert names == ["float32 on onnxruntime", "float32 on torch", "dynamic on torch"]
    assert [(row.method, row.reason) for row in skipped] == [("static", LEFT_OUT)]


def test_a_method_that_runs_out_of_memory_costs_its_rows_only(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*arguments: object) -> None:
        raise MemoryError

    monkeypatch.setattr(plugins.method("static"), "quantize", exhausted)
    names, skipped, _ = tried(task, tmp_path, "static", "dynamic", runtimes=("torch",))
    assert names == ["float32 on torch", "dynamic on torch"]
    assert [(row.method, row.reason, row.failed) for row in skipped] == [
        ("static", "ran out of memory while it quantized; it needs a machine with more", True)
    ]


@pytest.mark.parametrize("converting", [True, False], ids=["converting", "training"])
def test_a_method_that_takes_for_ever_is_stopped(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, converting: bool
) -> None:
    """Without a sign of progress after the timeout, with one once a budget has no time for it."""

    def endless(job: QuantizeJob[Settings]) -> None:
        for _ in itertools.count() if converting else job.progress.each(itertools.count(), "", 0):
            (job.folder / "part").write_text("begun")

    monkeypatch.setattr(plugins.method("static"), "quantize", endless)
    budget = NO_LIMIT if converting else Deadline(10)
    timeout = 0.2 if converting else 300
    names, skipped, _ = tried(
        task, tmp_path, "dynamic", "static", runtimes=("torch",), deadline=budget, timeout=timeout
    )
    assert names == ["float32 on torch", "dynamic on torch"]
    quiet = (
        "gave no sign of progress for 0.2 s while it quantized; a larger 'timeout' in [schedule] "
        "waits longer"
    )
    reason = quiet if converting else LEFT_OUT
    assert [(row.method, row.reason, row.failed) for row in skipped] == [
        ("static", reason, converting)
    ]
    assert len(list((tmp_path / "artifacts").iterdir())) == 2


def test_others_do_not_wait_for_what_is_compiled(task: Task, tmp_path: Path) -> None:
    """The trial of a program goes on until a later method's artifact was tried."""
    later = threading.Event()

    class Compiling(NotedTrials):
        def failures(
            self,
            artifact: Artifact,
            runtimes: Sequence[Plugin[RuntimeModule]],
            deadline: Deadline = NO_LIMIT,
        ) -> dict[str, Skipped]:
            if artifact.body.format == "pt2":
                assert later.wait(60)
            elif artifact.body.method == "dynamic":
                later.set()
            return super().failures(artifact, runtimes, deadline)

    runtimes = ("torch", "torch_compile")
    names, skipped, _ = tried(task, tmp_path, "dynamic", runtimes=runtimes, trials=Compiling)
    assert names == ["float32 on torch", "dynamic on torch", "float32 on torch_compile"]
    assert skipped == []


def test_the_baseline_is_first_and_then_what_compiles_longest() -> None:
    methods = choose_methods(("dynamic", "qat", "static", "pt2e_static"), {})
    found = [name for name, _ in sorted(methods.items(), key=candidates._compiled_first)]
    assert found == ["float32", "pt2e_static", "qat", "dynamic", "static"]
