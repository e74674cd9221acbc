"""Rules on results that no machine measured; each expected outcome is worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from quantbench.errors import UnknownNameError, UsageError
from quantbench.harness.records import Instructions, Skipped
from quantbench.results.diff import side_by_side
from quantbench.results.gate.estimate import Outcome
from quantbench.results.gate.judge import Judged, judge_results
from quantbench.results.gate.rule import parse_rule
from quantbench.results.records import AgainstEarlier, Interval, Results, Row
from tests.report.builder import environment, interval, latency, results, row, rows

OLD, NEW = "a" * 64, "b" * 64
PASS, FAIL, OPEN = Outcome.PASS, Outcome.FAIL, Outcome.NOT_RESOLVED


def judged(rule: str, a: Results, b: Results) -> tuple[Judged, ...]:
    return judge_results([parse_rule(rule)], a, b, side_by_side(a, b))


def outcome(rule: str, a: Results, b: Results) -> tuple[Outcome, str]:
    (one,) = judged(rule, a, b)
    return one.outcome, one.reason


def only(sha256: str = OLD, **changes: Any) -> Row:
    """A row of 100 us for an image and 40 us at batch 1000, from one artifact or another."""
    fields = {"single": 100.0, "model": 40.0, "size": 70_000, "wobble": 0.001}
    return row("static", artifact_sha256=sha256, **(fields | changes))


def alone(*args: Any, **changes: Any) -> Results:
    return results(only(*args, **changes), skipped=())


def paired(difference: float = 0.0, half: float = 0.0005, **changes: Any) -> Results:
    """A's row of `only` measured again, 2 us slower this time, beside another artifact."""
    earlier = only(single=102.0, model=40.8)
    differences = {
        "accuracy": interval(difference, half),
        "loss": Interval(value=0.001, low=0.0005, high=0.0015, how="BCa"),
    }
    against = AgainstEarlier(artifact_sha256=OLD, differences=differences, verdict="not resolved")
    return results(only(NEW, against_earlier=against, **changes), earlier=(earlier,), skipped=())


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("bytes > +0", FAIL),  # 70,000 -> 71,000: +1.43 %
        ("bytes > +1%", FAIL),
        ("bytes > +2%", PASS),
        ("size > +1kB", PASS),  # the threshold itself is kept
        ("size > +999B", FAIL),
        ("bytes < -1%", PASS),
        ("bytes > 71kB", PASS),
        ("bytes > 70.9kB", FAIL),
        ("bytes < 80kB", FAIL),
        ("memory > +1%", PASS),
        ("memory > 299MB", FAIL),
        ("accuracy < 99%", PASS),  # 9,900 of 10,000
        ("accuracy < 99.01%", FAIL),
        ("loss > 0.03", PASS),
        ("loss > 0.02", FAIL),
        ("cold_start > 1.4s", FAIL),
        ("latency > 110us", PASS),  # 100 us within 3 %
        ("latency > 101us", OPEN),
        ("latency > 90us", FAIL),
        ("latency@1000 > 35us", FAIL),
        ("latency < 90us", PASS),
        ("throughput > 24000/s", FAIL),  # 25,000 at batch 1000
        ("throughput < 24000/s", PASS),
        ("throughput@1 < 11000/s", FAIL),  # 10,000 at batch 1
    ],
)
def test_two_runs_that_were_apart(rule: str, expected: Outcome) -> None:
    assert outcome(rule, alone(), alone(NEW, size=71_000))[0] is expected


@pytest.mark.parametrize("rule", ["latency > +3%", "latency@1000 < -3%", "throughput < -3%",
                                  "latency > +1ms", "cold_start > +5%"])  # fmt: skip
def test_times_of_two_runs_are_not_paired(rule: str) -> None:
    found, reason = outcome(rule, alone(), alone(NEW, single=300.0))
    assert found is OPEN
    assert reason.startswith("two runs don't take turns; `quantbench run ... --pair A.json`")


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        # Measured in one study: A 102 us, B 112.2 us, which is 10 % more, give or take 3 %.
        ("latency > +5%", FAIL),
        ("latency > +10%", OPEN),
        ("latency > +15%", PASS),
        ("latency > +5us", FAIL),
        ("latency > +15us", PASS),
        ("latency < -5%", PASS),
        ("throughput@1 < -5%", FAIL),
        ("throughput@1 < -15%", PASS),
        ("throughput@1 < -300/s", FAIL),  # 9,804 -> 8,913
        ("latency@1000 > +5%", PASS),
        # Accuracy -0.2 points, from -0.25 to -0.15.
        ("accuracy < -0.1", FAIL),
        ("accuracy < -0.1 points", FAIL),
        ("accuracy < -0.2", OPEN),
        ("accuracy < -0.3", PASS),
        ("accuracy < -0.1%", FAIL),
        ("accuracy < -0.3%", PASS),
        ("loss > +0.0001", FAIL),
        ("loss > +0.002", PASS),
        ("loss > +10%", PASS),  # at most 0.0015 of 0.03
        ("loss > +1%", FAIL),
        ("cold_start > +5%", PASS),
    ],
)
def test_rows_that_were_measured_in_turn(rule: str, expected: Outcome) -> None:
    b = paired(difference=-0.002, single=112.2, model=40.8)
    assert outcome(rule, alone(), b)[0] is expected


def test_what_would_resolve_it_is_said() -> None:
    b = paired(difference=-0.002, single=112.2)
    assert "run --starts 5`" in outcome("latency > +10%", alone(), b)[1]
    assert outcome("accuracy < -0.2", alone(), b)[1] == "more test images narrow the interval"
    apart = outcome("accuracy < -0.1", alone(), alone(NEW, correct=9_880))
    assert apart[0] is OPEN
    assert "--pair A.json" in apart[1]


def test_scores_of_two_runs_tell_a_large_difference() -> None:
    b = alone(NEW, correct=9_700)
    assert outcome("accuracy < -0.1", alone(), b)[0] is FAIL  # 2 points, of which 0.4 are doubt
    assert outcome("accuracy < -5", alone(), b)[0] is PASS
    other = b.model_copy(update={"splits": {"test": "1" * 64}})
    assert outcome("accuracy < -0.1", alone(), other) == (OPEN, "the test images differ")
    assert "hold no interval of loss" in outcome("loss > +1%", alone(), b)[1]


def test_the_same_artifact_on_the_same_versions_differs_in_nothing() -> None:
    for rule in ("latency > +0", "throughput < -0.1%", "accuracy < -0", "cold_start > +0",
                 "loss > +0"):  # fmt: skip
        (found,) = judged(rule, alone(), alone(single=101.0))
        assert found.outcome is PASS
    (found,) = judged("latency > +0", alone(), alone(single=101.0))
    assert (found.a, found.b) == (100, 101)
    assert found.reason.startswith("artifact, machine and versions are the same")
    assert outcome("latency > 150us", alone(), alone(single=101.0)) == (PASS, "")
    newer = environment(versions={"quantbench": "0.1.0", "torch": "2.14.0"})
    found, reason = outcome(
        "latency > +3%", alone(), results(only(), environment=newer, skipped=())
    )
    assert found is OPEN
    assert "what changed can't be measured in one study: version of torch 2.13.0 and" in reason


def test_another_machine_tells_no_times_and_no_memory() -> None:
    there = results(only(NEW), environment=environment(cpu="Another CPU"), skipped=())
    assert outcome("latency > +3%", alone(), there)[0] is OPEN
    assert outcome("memory > +3%", alone(), there) == (OPEN, "the machines differ (CPU)")
    assert outcome("bytes > +3%", alone(), there)[0] is PASS


def test_another_earlier_study_is_no_pair() -> None:
    found, reason = outcome("latency > +3%", alone("c" * 64), paired())
    assert found is OPEN
    assert "in turn with other artifacts than A's" in reason


def test_an_earlier_artifact_that_was_not_measured_says_why() -> None:
    gone = Skipped(method="static (A)", runtime="torch", reason="artifacts/x isn't there")
    b = alone(NEW).model_copy(update={"skipped": (gone,)})
    assert outcome("latency > +3%", alone(), b) == (OPEN, "artifacts/x isn't there")


def test_blocks_that_do_not_belong_together_have_no_ratio() -> None:
    b = paired()
    broken = b.earlier[0].model_copy(update={"latency": (latency("model", 1, 102.0, blocks=3),)})
    found, reason = outcome("latency > +3%", alone(), b.model_copy(update={"earlier": (broken,)}))
    assert found is OPEN
    assert "too few" in reason


def test_without_a_name_it_is_about_the_row_that_is_shipped() -> None:
    a = b = results()
    assert [answer.ship and answer.ship.row for answer in b.answers] == [None, None]
    assert {answer.float32 for answer in b.answers} == {"float32 on onnxruntime"}
    assert [x.row for x in judged("latency > +3%", a, b)] == ["float32 on onnxruntime"]
    quick = row("static", single=10.0, model=5.0, float_macs=0, size=70_000, baseline=rows()[0])
    b = results(*rows()[:3], rows()[4], quick)
    assert [answer.ship and answer.ship.row for answer in b.answers] == ["static on torch"] * 2
    assert [x.row for x in judged("bytes > 1MB", a, b)] == ["static on torch"]


def test_rows_are_chosen_by_name_and_by_pattern() -> None:
    a = results()
    names = [x.row for x in judged("bytes[static* on torch] > 1MB", a, a)]
    assert names == ["static_uncalibrated on torch", "static on torch"]
    b = results(*rows()[:2], skipped=(Skipped(method="static", runtime="torch", reason="broke"),))
    assert outcome("bytes[static on torch] > 1MB", a, b) == (
        OPEN, "B has no row static on torch: broke"
    )  # fmt: skip
    assert outcome("bytes[static on torch] > +1%", b, a)[1].startswith("A has no row static on")
    with pytest.raises(UnknownNameError, match="did you mean 'static on torch'"):
        judged("bytes[statik on torch] > 1MB", a, a)


@pytest.mark.parametrize(
    ("rule", "part"),
    [
        (
            "latncy > +3%",
            "unknown quantity 'latncy' in rule 'latncy > +3%'; did you mean 'latency'",
        ),
        ("acuracy < -0.1", "did you mean 'accuracy'?"),
        ("flash > 64kB", "`quantbench compile` measures it"),
        ("latency@7 > +3%", "B timed static on torch at the batches 1, 1000, not 7"),
        ("bytes@8 > 1kB", "only latency and throughput are of a batch"),
        ("latency > 3kB", "isn't counted in kB"),
    ],
)
def test_what_can_not_be_judged_is_a_usage_error(rule: str, part: str) -> None:
    with pytest.raises(UsageError) as caught:
        judged(rule, alone(), alone())
    assert part in str(caught.value)


def test_without_a_recommendation_a_row_has_to_be_named() -> None:
    b = results().model_copy(update={"answers": ()})
    with pytest.raises(UsageError, match=r"name one: latency\[ROW\]"):
        judged("latency > 1ms", results(), b)


def counted(thousands: float, source: str = "valgrind", **changes: Any) -> Results:
    instructions = Instructions(batch=1, by_sample=1e3 * thousands, source=source)  # type: ignore[arg-type]
    return alone(instructions=instructions, **changes)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("instructions > +1%", PASS), ("instructions > +0.4%", FAIL), ("instructions > 100000", FAIL)],
)
def test_instructions_of_two_runs_are_plain_numbers(rule: str, expected: Outcome) -> None:
    assert outcome(rule, counted(150), counted(150.75))[0] is expected


def test_instructions_are_compared_if_they_were_counted_alike() -> None:
    assert outcome("instructions > +1%", counted(150, "perf_event"), counted(150)) == (
        OPEN, "A was counted by perf_event at 1, B by valgrind at 1",
    )  # fmt: skip
    assert outcome("instructions > +1%", alone(), counted(150))[1].startswith(
        "A: static on torch has"
    )
    assert outcome("instructions > +1%", counted(150), alone())[1].endswith("measure with --count")
