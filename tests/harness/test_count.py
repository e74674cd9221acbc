"""Instructions of rows whose work is known: loops of so many turns, counted as `--count` counts."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from quantbench import plugins
from quantbench.contracts import Plugin, RuntimeModule
from quantbench.errors import UnavailableError
from quantbench.harness import count
from quantbench.harness.count import count_all
from quantbench.harness.pool import Candidate, Job
from quantbench.harness.records import Instructions
from quantbench.runtimes.null import Null, save_null
from quantbench.studies.named import runtime_named
from quantbench.system import instructions
from quantbench.system.machine import environment
from quantbench.tasks.task import Task
from tests.small_study import SCHEDULE

LOOPS = '''
"""A runtime that turns a loop as often as a null artifact's microseconds."""
import numpy as np
from quantbench.runtimes.null import FILE, Null

ACCEPTS = frozenset({"null"})
LIBRARIES = ("numpy",)
DEFAULT = False


def load(artifact, threads):
    turns = range(int(Null.model_validate_json((artifact.folder / FILE).read_bytes()).call_us))

    def predict(inputs):
        for _ in turns:
            pass
        return np.zeros((len(inputs), 10), np.float32)

    return predict
'''


@pytest.fixture(scope="module")
def loops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plugin[RuntimeModule]]:
    file = tmp_path_factory.mktemp("plugin") / "runtimes" / "loops.py"
    file.parent.mkdir()
    file.write_text(LOOPS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plugins, "_named_by_user", {})
        plugins.use_plugins(str(file))
        yield runtime_named("loops")


def job_in(folder: Path, task: Task) -> Job:
    return Job(
        task=task, threads=(1,), schedule=SCHEDULE, machine=environment(), scratch=folder,
        evaluations=folder / "evaluations", timings=folder / "timings", macs=10**6,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(
    instructions.why_none() is not None and shutil.which("vgdb") is None,
    reason="the system lends no counter of instructions, and valgrind isn't installed",
)
def test_a_loop_of_twice_the_turns_has_twice_the_instructions(
    task: Task, loops: Plugin[RuntimeModule], tmp_path: Path
) -> None:
    turns = {"one": 20_000, "two": 40_000, "three": 60_000}
    rows = [
        Candidate(save_null(tmp_path, name, Null(call_us=number)), loops)
        for name, number in turns.items()
    ]
    job = job_in(tmp_path, task)
    counted = count_all(job, rows)
    one, two, three = (row.by_sample for row in counted if isinstance(row, Instructions))
    assert two - one == pytest.approx(three - two, rel=0.01)
    assert 5 < (two - one) / 20_000 < 500  # Python takes some tens for each turn
    again = tmp_path / "again"
    again.mkdir()
    assert count_all(replace(job, scratch=again), rows) == counted  # what is stored


def test_a_row_that_fails_has_a_reason(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(count, "source", lambda: "perf_event")
    row = Candidate(save_null(tmp_path, "bad", Null(fault="crash")), runtime_named("null"))
    (reason,) = count_all(job_in(tmp_path, task), [row])
    lent = instructions.why_none() is None
    assert isinstance(reason, str)
    assert ("was killed by SIGSEGV" if lent else "raised ") in reason


def test_without_counter_and_valgrind_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instructions, "why_none", lambda: "the system lends none")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UnavailableError, match="--count: the system lends none, and valgrind"):
        count.source()
