"""An earlier artifact measured in turn with a new one, in real worker processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from quantbench.harness.measure import Measured, measure
from quantbench.harness.pool import Candidate, Job
from quantbench.harness.schedule import Schedule
from quantbench.harness.timing import Timing
from quantbench.results.assemble import results_of
from quantbench.results.contest import contest
from quantbench.results.diff import side_by_side
from quantbench.results.gate.estimate import Outcome
from quantbench.results.gate.judge import judge_results
from quantbench.results.gate.rule import parse_rule
from quantbench.results.paired import earlier_row, paired_speed
from quantbench.results.records import Results
from quantbench.results.select import batch1
from quantbench.runtimes.null import Null, save_null
from quantbench.studies.named import runtime_named
from quantbench.system.machine import environment
from quantbench.tasks.network_layers import network_layers
from quantbench.tasks.task import Task
from tests.report.builder import latency

SCHEDULE = Schedule(batches=(1,), blocks=10, max_passes=6, look_seconds=5, starts=1, timeout=60)
CALL_US = 500.0
"""Short calls: other programs interrupt few of them, and medians leave those out."""


def null(folder: Path, method: str, us: float, *, earlier: bool = False) -> Candidate:
    artifact = save_null(folder, method, Null(call_us=us))
    return Candidate(artifact, runtime_named("null"), earlier=earlier)


def study(task: Task, folder: Path, *candidates: Candidate) -> tuple[Measured, Results]:
    job = Job(
        task=task,
        threads=(1,),
        schedule=SCHEDULE,
        machine=environment(),
        evaluations=folder / "evaluations",
        timings=folder / "timings",
        scratch=folder,
    )
    measured = measure(job, candidates)
    return measured, results_of(task, network_layers(task.network), measured, (), folder)


@pytest.fixture(scope="module")
def pair(
    tasks: Callable[[str], Task], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Measured, Results, Results]:
    """A study of a method, and a later one in which its artifact takes 5 % longer."""
    task = tasks("lenet")
    folder = tmp_path_factory.mktemp("pair")
    base, old = null(folder, "float32", 800), null(folder, "static", CALL_US)
    new = null(folder, "static", 1.05 * CALL_US)
    _, before = study(task, folder, base, old)
    measured, after = study(task, folder, base, new, replace(base, earlier=True),
                            replace(old, earlier=True))  # fmt: skip
    return measured, before, after


def test_five_per_cent_are_seen(pair: tuple[Measured, Results, Results]) -> None:
    _, before, after = pair
    static = next(row for row in after.rows if row.method == "static")
    old = earlier_row(next(row for row in before.rows if row.method == "static"), after)
    now = batch1(static)
    assert old is not None
    assert now is not None
    speed = paired_speed(old, now)
    assert speed is not None
    assert speed.value == pytest.approx(1 / 1.05, abs=0.015)
    assert speed.verdict == "slower"


@pytest.mark.parametrize(
    ("rule", "outcome"),
    [("latency[static on null] > +1%", Outcome.FAIL),
     ("latency[static on null] > +15%", Outcome.PASS),
     ("accuracy[static on null] < -0.1", Outcome.NOT_RESOLVED),
     ("accuracy[static on null] < -5", Outcome.PASS)],
)  # fmt: skip
def test_a_rule_sees_them(
    pair: tuple[Measured, Results, Results], rule: str, outcome: Outcome
) -> None:
    _, before, after = pair
    (judged,) = judge_results([parse_rule(rule)], before, after, side_by_side(before, after))
    assert judged.outcome is outcome


def test_earlier_rows_stand_apart(pair: tuple[Measured, Results, Results]) -> None:
    measured, before, after = pair
    names = ["float32 on null", "static on null"]
    assert [candidate.name for candidate in measured.candidates] == [
        *names, "float32 (A) on null", "static (A) on null"
    ]  # fmt: skip
    assert [row.name for row in after.rows] == names == [row.name for row in after.earlier]
    assert before.earlier == ()
    assert all(row.against_earlier is None for row in before.rows)
    assert [answer.float32 for answer in after.answers] == ["float32 on null"]
    against = [row.against_earlier for row in after.rows]
    assert [each and each.artifact_sha256 for each in against] == [
        row.artifact_sha256 for row in before.rows
    ]
    assert Results.model_validate_json(after.model_dump_json()) == after


def test_answers_are_paired_sample_by_sample(
    pair: tuple[Measured, Results, Results], task: Task, tmp_path: Path
) -> None:
    """The figures by hand: 3 samples fewer right, of those that the earlier artifact had right."""
    measured, _, _ = pair
    targets = task.test.targets
    assert targets is not None
    outputs = np.eye(10, dtype=np.float32)[targets]
    worse = outputs.copy()
    worse[:3] = np.roll(worse[:3], 1, axis=1)
    changed = replace(measured, outputs=((outputs,), (worse,), (outputs,), (outputs,)))
    results = results_of(task, network_layers(task.network), changed, (), tmp_path)
    against = results.rows[1].against_earlier
    assert against is not None
    difference = against.differences["accuracy"]
    assert difference.value == pytest.approx(-3 / len(targets))
    assert difference.high is not None
    assert difference.low is not None
    assert difference.low < difference.value < difference.high
    assert against.p == pytest.approx(0.25)  # two-sided: 2 / 2**3
    assert against.verdict == "not resolved"
    assert against.differences["loss"].value > 0


def timing(us: float) -> Timing:
    times = (latency("model", 1, us),)
    return Timing(latency=times, busy_threads=1, warm_up=3, cold_start=1, peak_memory=9)


@pytest.mark.parametrize(("paired", "again"), [(True, {0, 1, 2}), (False, {0})])
def test_a_pair_is_started_again_however_slow_it_is(
    task: Task, tmp_path: Path, paired: bool, again: set[int]
) -> None:
    """Neither row could be the answer: both are larger than float32, as accurate, and slower."""
    base, new = null(tmp_path, "float32", 800), null(tmp_path, "static", 5000)
    old = null(tmp_path, "static" if paired else "dynamic", 6000, earlier=paired)
    outputs = ((np.eye(10, dtype=np.float32)[task.test.targets],),) * 3
    found = contest(task, (base, new, old), outputs)
    assert found.contenders([timing(800), timing(5000), timing(6000)]) == again


def test_a_fast_earlier_row_is_no_rival_of_the_answer(task: Task, tmp_path: Path) -> None:
    """An artifact that isn't shipped any more neither wins nor keeps a new one off the front."""
    base, new = null(tmp_path, "float32", 800), null(tmp_path, "static", 5000)
    old, other = null(tmp_path, "dynamic", 1, earlier=True), null(tmp_path, "qat", 700)
    outputs = ((np.eye(10, dtype=np.float32)[task.test.targets],),) * 4
    times = [timing(800), timing(5000), timing(1), timing(700)]
    assert 3 in contest(task, (base, new, old, other), outputs).contenders(times)
