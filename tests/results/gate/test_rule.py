from __future__ import annotations

import contextlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantbench.errors import UnknownNameError, UsageError
from quantbench.results.gate.rule import UNITS, Rule, parse_rule

RULES = st.builds(
    Rule,
    quantity=st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,12}", fullmatch=True),
    above=st.booleans(),
    sign=st.sampled_from(("", "+", "-")),
    number=st.decimals(0, 10**9, places=4),
    unit=st.sampled_from(("", *UNITS)),
    batch=st.none() | st.integers(1, 10**9 - 1),
    row=st.none()
    | st.text(st.characters(exclude_characters="[]", exclude_categories=("C",)), max_size=40).map(
        lambda text: " ".join(text.split())
    ),
)


@given(RULES)
def test_what_is_printed_is_read_back(rule: Rule) -> None:
    assert parse_rule(str(rule)) == rule


@given(st.text(max_size=250))
def test_any_text_is_a_rule_or_a_usage_error(text: str) -> None:
    with contextlib.suppress(UsageError):
        rule = parse_rule(text)
        assert parse_rule(str(rule)) == rule


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("latency > +3%", Rule("latency", True, "+", Decimal(3), "%")),
        ("accuracy<-0.1", Rule("accuracy", False, "-", Decimal("0.1"))),
        ("flash > 64 KiB", Rule("flash", True, "", Decimal(64), "KiB")),
        (" latency @ 64 > 2ms ", Rule("latency", True, "", Decimal(2), "ms", batch=64)),
        (
            "latency[ort_static  on c99] > + 3 %",
            Rule("latency", True, "+", Decimal(3), "%", row="ort_static on c99"),
        ),
        ("throughput@8[* on c99] < 1000/s", Rule("throughput", False, "", Decimal(1000), "/s", 8,
                                                 "* on c99")),
        ("accuracy < -0.1 points", Rule("accuracy", False, "-", Decimal("0.1"), "points")),
    ],
)  # fmt: skip
def test_rules_by_hand(text: str, rule: Rule) -> None:
    assert parse_rule(text) == rule


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("latency", "rule 'latency' has neither < nor >"),
        ("latency >", "has no number after >"),
        ("latency > fast", "has no number after >"),
        ("latency > 1e3us", "unknown unit 'e3us'"),
        ("latency > -+3%", "has no number"),
        ("latency@0 > 3us", "is none"),
        ("latency >= 3us", "has no number"),
        ("3 < latency", "is none"),
        ("flash > 64KB", "unknown unit 'KB' in rule 'flash > 64KB'; did you mean 'KiB'?"),
        ("x" * 201, "a rule of 201 letters"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(text: str, part: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_rule(text)
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_unit_is_a_name_like_any_other() -> None:
    with pytest.raises(UnknownNameError):
        parse_rule("latency > 3 parsec")
