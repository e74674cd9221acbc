from __future__ import annotations

import pytest

from quantbench.errors import UsageError
from quantbench.results.gate.limit import Limit, limit_of
from quantbench.results.gate.rule import Dimension, parse_rule


@pytest.mark.parametrize(
    ("threshold", "dimension", "limit"),
    [
        ("+3%", "time", Limit("relative", 0.03)),
        ("-5%", "rate", Limit("relative", -0.05)),
        ("-1%", "fraction", Limit("relative", -0.01)),
        ("+10us", "time", Limit("change", 10)),
        ("+0.5ms", "time", Limit("change", 500)),
        ("2ms", "time", Limit("budget", 2000)),
        ("2s", "time", Limit("budget", 2_000_000)),
        ("500ns", "time", Limit("budget", 0.5)),
        ("64kB", "bytes", Limit("budget", 64_000)),
        ("64KiB", "bytes", Limit("budget", 65_536)),
        ("+1MiB", "bytes", Limit("change", 1_048_576)),
        ("+0", "bytes", Limit("change", 0)),
        ("1000/s", "rate", Limit("budget", 1000)),
        ("-0.1", "fraction", Limit("change", -0.001)),
        ("-0.1 points", "fraction", Limit("change", -0.001)),
        ("99%", "fraction", Limit("budget", 0.99)),
        ("+0.01", "number", Limit("change", 0.01)),
        ("0.5", "number", Limit("budget", 0.5)),
        ("+5%", "number", Limit("relative", 0.05)),
    ],
)
def test_limits(threshold: str, dimension: Dimension, limit: Limit) -> None:
    found = limit_of(parse_rule(f"x > {threshold}"), dimension)
    assert (found.kind, found.value) == (limit.kind, pytest.approx(limit.value))


@pytest.mark.parametrize(
    ("threshold", "dimension", "part"),
    [
        ("3%", "time", "3% of what? Write +3% or -3%"),
        ("3", "time", "has no unit; write it as 10us or 2ms"),
        ("+3", "time", "has no unit"),
        ("0", "bytes", "has no unit; write it as 64kB"),
        ("0.99", "fraction", "has no unit; write it as 99%"),
        ("99 points", "fraction", "points are of changes; write 99%"),
        ("+1 points", "time", "isn't counted in points"),
        ("64kB", "time", "isn't counted in kB"),
        ("2ms", "number", "isn't counted in ms"),
    ],
)
def test_a_unit_of_something_else_is_refused(
    threshold: str, dimension: Dimension, part: str
) -> None:
    with pytest.raises(UsageError) as caught:
        limit_of(parse_rule(f"x > {threshold}"), dimension)
    assert part in str(caught.value)
