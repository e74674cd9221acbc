from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from quantbench.errors import UnavailableError, UnknownNameError
from quantbench.explain.records import Explanation
from quantbench.explain.sections import Asked, Section, explanation_of, joined
from quantbench.explain.subject import Subject
from quantbench.tasks.task import Task
from tests.explain.builder import explained, layer, peaks, quantized, ran, split
from tests.progress import Recorded
from tests.report.builder import results


def fails(subject: Subject, asked: Asked) -> Explanation:
    raise UnavailableError("no profiler here")


def crashes(subject: Subject, asked: Asked) -> Explanation:
    raise ZeroDivisionError("by zero")


def layers(subject: Subject, asked: Asked) -> Explanation:
    return explained(ran=(ran(layer()),))


def times(subject: Subject, asked: Asked) -> Explanation:
    return explained(times=(split(call=9.0),))


SECTIONS = (
    Section("layers", "what ran", layers),
    Section("fails", "where the time goes", fails),
    Section("crashes", "errors", crashes),
    Section("time", "times", times),
)


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    task = cast(Task, None)  # none of these sections reads it
    return Subject(task, results(quantized()), tmp_path, tmp_path, Recorded())


def test_a_section_that_fails_leaves_a_note_and_costs_no_other(subject: Subject) -> None:
    whole = explanation_of(subject, "a" * 64, sections=SECTIONS)
    assert whole.results_sha256 == "a" * 64
    assert (len(whole.ran), len(whole.times)) == (1, 1)
    assert whole.notes == (
        "where the time goes: no profiler here",
        "errors: failed (ZeroDivisionError: by zero)",
    )
    assert "too_small_to_gain" in [finding.rule for finding in whole.findings]


def test_only_the_sections_that_are_named_are_found_out(subject: Subject) -> None:
    whole = explanation_of(subject, "", only=("time",), sections=SECTIONS)
    assert (whole.ran, len(whole.times), whole.notes) == ((), 1, ())
    with pytest.raises(UnknownNameError, match="unknown section 'tim' in --only; did you mean"):
        explanation_of(subject, "", only=("tim",), sections=SECTIONS)


def test_parts_are_joined_field_by_field() -> None:
    parts = (
        explained(times=(split(call=1.0),), notes=("a",)),
        explained(peaks=peaks(avx2_int8=1.0), notes=("b",)),
        explained(times=(split(call=2.0),)),
    )
    whole = joined(parts, "b" * 64)
    assert [time.total_us for time in whole.times] == [1.0, 2.0]
    assert whole.notes == ("a", "b")
    assert whole.peaks == peaks(avx2_int8=1.0)
    assert joined((), "c" * 64) == Explanation(results_sha256="c" * 64)
