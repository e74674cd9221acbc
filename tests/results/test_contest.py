"""Who is started again: rows on which the answer, or what it is compared with, hangs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from quantbench import plugins
from quantbench.artifacts.records import ArtifactBody
from quantbench.contracts import Plugin
from quantbench.harness.pool import Candidate
from quantbench.harness.records import Latency, Skipped
from quantbench.harness.timing import Contest, Timing
from quantbench.numerics.coverage import Kind, LayerNumerics, Quantized
from quantbench.results.contest import MOST, contest
from quantbench.results.metric import Metric, metric_of
from quantbench.samples.records import Array, Samples
from quantbench.system.store import FileEntry, Stored
from quantbench.tasks.network import Network, TensorSpec
from quantbench.tasks.task import Task

SAMPLES = 1000
TARGETS = np.random.default_rng(0).integers(0, 3, SAMPLES)
TASK = Task(
    network=Network(
        "net",
        (TensorSpec(name="x", shape=(2,)),),
        (TensorSpec(name="y", shape=(3,)),),
        "1" * 64,
    ),
    data="test.npz",
    calibration=Samples("calibration", (np.zeros((8, 2), np.float32),)),
    test=Samples("test", (np.zeros((SAMPLES, 2), np.float32),), TARGETS),
    metric="accuracy",
)


@dataclass(frozen=True)
class Given:
    """A row: its times in microseconds a sample at 1 and 100, its wrong answers, its bytes."""

    name: str
    single: float
    batch: float | None = None
    wrong: int = 20
    size: int = 1000
    kind: Kind = "real"
    wobble: float = 0.001

    @property
    def method(self) -> str:
        return self.name.partition(" on ")[0]

    @property
    def candidate(self) -> Candidate:
        body = ArtifactBody(
            model="net",
            data="test.npz",
            method=self.method,
            format="onnx",
            settings={},
            network_sha256="1" * 64,
            quantized=Quantized(
                layers=(LayerNumerics.in_float32("fc", "Linear", 27, "it is a test"),),
                structure="",
                kind="float" if self.method == "float32" else self.kind,
            ),
        )
        files = {"model.onnx": FileEntry(bytes=self.size, sha256="2" * 64)}
        runtime = Plugin(self.name.partition(" on ")[2], plugins.runtime("null"), Path("null.py"))
        return Candidate(Stored(Path("artifacts"), {}, files, body, self.name), runtime)

    @property
    def outputs(self) -> Array:
        named = TARGETS.copy()
        named[: self.wrong] = (named[: self.wrong] + 1) % 3
        return np.eye(3, dtype=np.float32)[named]

    def timing(self) -> Timing:
        def latency(batch: int, microseconds: float) -> Latency:
            blocks = [(microseconds * (1 + self.wobble * (n % 3 - 1)),) for n in range(10)]
            return Latency(
                batch=batch,
                threads=1,
                kind="model",
                blocks=tuple(blocks),
                starts=(0,) * 10,
                median=microseconds,
                p95=microseconds,
                p99=microseconds,
            )

        times = (latency(1, self.single), latency(100, self.batch or self.single))
        return Timing(latency=times, busy_threads=1, warm_up=8, cold_start=1, peak_memory=1)


def made(
    rows: Sequence[Given], always: Sequence[str] = (), metric: Metric | None = None
) -> Contest:
    return contest(TASK, [r.candidate for r in rows], [(r.outputs,) for r in rows], metric, always)


def chosen(
    *rows: Given,
    failed: Sequence[str] = (),
    always: Sequence[str] = (),
    metric: Metric | None = None,
) -> set[str]:
    """The names of the contenders. All but the first have more bytes than those before them."""
    look = [
        Skipped(method=r.method, runtime="null", reason="crashed") if r.name in failed
        else r.timing()
        for r in rows
    ]  # fmt: skip
    return {rows[index].name for index in made(rows, always, metric).contenders(look)}


def finalists(*rows: Given) -> set[str]:
    return {rows[i].name for i in made(rows).finalists([row.timing() for row in rows])}


FLOAT = Given("float32 on a", 100.0, size=100)
"""The smallest and the most accurate, so nothing else is on the Pareto front but what is faster."""


def test_rows_that_may_be_the_fastest_are_chosen_with_what_they_are_compared_with() -> None:
    """One start has a floor of 3 %, and the margin is 3 %: beyond 6 % a row can't be the answer."""
    rows = (
        FLOAT,
        Given("best on a", 50.0),
        Given("near on a", 52.5, size=2000),
        Given("far on a", 54.0, size=2000),
    )
    assert chosen(*rows) == {"float32 on a", "best on a", "near on a"}


@pytest.mark.parametrize(("time", "contends"), [(53.0, True), (53.2, False)])
def test_the_reach_is_floor_times_margin(time: float, contends: bool) -> None:
    """50 * 1.03 * 1.03 = 53.045, without any wobble."""
    best = Given("best on a", 50.0, wobble=0)
    other = Given("other on a", time, size=2000, wobble=0)
    assert ("other on a" in chosen(FLOAT, best, other)) == contends


def test_a_row_that_scatters_may_be_as_fast_as_the_fastest() -> None:
    best, other = Given("best on a", 50.0), Given("other on a", 60.0, size=2000, wobble=0.3)
    assert "other on a" in chosen(FLOAT, best, other)


def test_each_of_the_two_batches_has_its_contenders() -> None:
    rows = (
        FLOAT,
        Given("one on a", 50.0, 90.0, size=2000),
        Given("many on a", 90.0, 50.0, size=2000),
        Given("none on a", 90.0, 90.0, size=2000),
    )
    assert chosen(*rows) == {"float32 on a", "one on a", "many on a"}


def test_float32s_that_may_be_the_fastest_contend_and_one_of_another_runtime() -> None:
    rows = (
        Given("float32 on a", 100.0, size=100),
        Given("float32 on b", 102.0, size=100),
        Given("float32 on c", 130.0, size=100),
        Given("float32 on d", 140.0, size=100),
    )
    assert chosen(*rows) == {"float32 on a", "float32 on b"}
    assert chosen(rows[0], *rows[2:]) == {"float32 on a", "float32 on c"}


def test_a_row_that_is_slower_than_the_fastest_float32_is_no_answer() -> None:
    slow = Given("slow on b", 120.0, size=2000)
    assert chosen(FLOAT, slow) == {"float32 on a"}
    equal = Given("equal on b", 101.0, size=2000)
    assert chosen(FLOAT, equal, slow) == {"float32 on a", "equal on b"}


def test_what_does_not_run_in_integers_is_no_answer() -> None:
    fake = Given("fake on a", 50.0, 50.0, size=2000, kind="simulated", wrong=30)
    rows = (FLOAT, Given("best on a", 40.0, wrong=20), fake)
    assert chosen(*rows) == {"float32 on a", "best on a"}


def test_a_row_that_loses_score_hides_no_answer() -> None:
    """At the largest batch the worse one is twice as fast; what is shipped there is `right`."""
    wrong = Given("wrong on a", 90.0, 20.0, wrong=500, size=3000)
    right = Given("right on a", 90.0, 50.0, wrong=20, size=2000)
    first = Given("first on a", 80.0, 80.0, wrong=20, size=1500)
    found = chosen(FLOAT, wrong, right, first)
    assert "right on a" in found
    assert "wrong on a" not in found


def test_a_row_without_a_score_is_no_answer() -> None:
    def unknown(outputs: Array, targets: Array) -> Array:
        right: Array = outputs.argmax(1) == targets
        if right.sum() == SAMPLES - 7:
            raise ValueError("no figure for seven wrong ones")
        return right

    metric = metric_of(unknown, name="right")
    rows = (FLOAT, Given("none on a", 40.0, wrong=7), Given("some on a", 50.0))
    assert chosen(*rows, metric=metric) == {"float32 on a", "some on a"}


def test_rows_on_the_pareto_front_are_started_again_with_their_float32() -> None:
    """Slower than float32, but the smallest; and the float32 of its runtime."""
    rows = (
        Given("float32 on a", 100.0, size=500),
        Given("float32 on b", 300.0, size=501),
        Given("best on a", 50.0, size=400),
        Given("small on b", 200.0, size=90, wrong=21),
        Given("none on b", 250.0, size=600, wrong=22),
    )
    assert chosen(*rows) == {"float32 on a", "best on a", "small on b", "float32 on b"}


def test_a_row_is_compared_with_the_first_float32_where_its_runtime_has_none() -> None:
    rows = (
        Given("float32 on a", 300.0, size=500),
        Given("float32 on b", 100.0, size=500),
        Given("best on c", 50.0, size=400),
    )
    assert chosen(*rows) == {"float32 on a", "float32 on b", "best on c"}


def test_finalists_are_what_could_be_shipped_and_the_fastest_float32() -> None:
    """Neither what is on the Pareto front alone, nor the rival among the float32s."""
    rows = (
        FLOAT,
        Given("float32 on b", 130.0, size=50),
        Given("one on a", 50.0, 90.0),
        Given("near on a", 51.0, 91.0, size=2000),
        Given("many on b", 90.0, 50.0, size=2000),
        Given("none on b", 80.0, 80.0, size=40),
        Given("wrong on b", 20.0, 20.0, wrong=500),
    )
    names = {"float32 on a", "one on a", "near on a", "many on b"}
    assert finalists(*rows) == names
    assert names | {"float32 on b", "none on b"} <= chosen(*rows)


def test_where_nothing_beats_float32_nobody_is_a_finalist() -> None:
    assert finalists(FLOAT, Given("slow on b", 120.0, size=2000)) == set()


def test_rows_may_be_named_that_are_started_again_anyway() -> None:
    rows = (FLOAT, Given("best on a", 50.0), Given("float32 on t", 200.0, size=2000),
            Given("slow on t", 300.0, size=2000))  # fmt: skip
    rival = {"float32 on t"}  # the fastest float32 of another runtime
    assert chosen(*rows) == {"float32 on a", "best on a"} | rival
    assert chosen(*rows, always=("slow on t", "gone on t")) == {r.name for r in rows}


def test_of_each_kind_there_are_eight_the_fastest_first() -> None:
    ties = [Given(f"m{n:02} on a", 50.0 + 0.1 * n, size=2000 + n) for n in range(12)]
    found = chosen(FLOAT, *reversed(ties))
    assert MOST == 8
    assert found == {"float32 on a", *(f"m{n:02} on a" for n in range(8))}


def test_rows_that_failed_are_in_no_contest() -> None:
    best, next_ = Given("best on a", 50.0), Given("next on a", 60.0, size=2000)
    rows = (FLOAT, best, next_)
    assert chosen(*rows, failed=("best on a",)) == {"float32 on a", "next on a"}
    assert chosen(*rows, failed=("float32 on a", "best on a", "next on a")) == set()


def test_without_a_float32_only_the_front_is_started_again() -> None:
    rows = (FLOAT, Given("best on a", 50.0), Given("next on a", 60.0, size=2000))
    assert chosen(*rows, failed=("float32 on a",)) == {"best on a"}


def test_what_the_contest_hangs_on_is_among_its_inputs() -> None:
    """Else times would be taken from the store that were started again for another answer."""
    rows = (FLOAT, Given("best on a", 50.0))
    inputs = made(rows).inputs
    assert inputs == made(rows).inputs

    def share(outputs: Array, targets: Array) -> Array:
        right: Array = outputs.argmax(1) == targets
        return right

    others = (
        made(rows, always=("best on a",)),
        made(rows, metric=metric_of(share, name="share")),
        made((FLOAT, Given("best on a", 50.0, wrong=21))),
    )
    assert all(other.inputs != inputs for other in others)
    assert isinstance(inputs, dict)
    assert isinstance(inputs["code"], dict)
    assert {"results/contest.py", "results/speed.py", "results/judge.py"} <= inputs["code"].keys()
    assert not any(isinstance(x, float) and math.isinf(x) for x in inputs["scores"])  # type: ignore[union-attr]
