"""Rules that were judged by hand, for every output."""

from __future__ import annotations

from quantbench.results.gate.estimate import Estimate, Outcome, exactly
from quantbench.results.gate.judge import Judged
from quantbench.results.gate.limit import limit_of
from quantbench.results.gate.rule import Dimension, parse_rule


def check(
    rule: str,
    outcome: Outcome,
    dimension: Dimension = "time",
    *,
    row: str = "static on torch",
    a: float | None = None,
    b: float | None = None,
    estimate: Estimate | None = None,
    reason: str = "",
) -> Judged:
    parsed = parse_rule(rule)
    limit = limit_of(parsed, dimension)
    return Judged(parsed, row, dimension, limit, outcome, a, b, estimate, reason)


FAILED = check("latency > +3%", Outcome.FAIL, a=41.0, b=43.1, estimate=Estimate(0.051, 0.032, 0.07))
PASSED = check("flash > 64kB", Outcome.PASS, "bytes", row="", a=60_000, b=61_000,
               estimate=exactly(61_000))  # fmt: skip
OPEN = check("accuracy < -0.1", Outcome.NOT_RESOLVED, "fraction", a=0.99, b=0.9888,
             estimate=Estimate(-0.0012, -0.0025, 0.0001), reason="more test images")  # fmt: skip
ALL = (FAILED, PASSED, OPEN)
