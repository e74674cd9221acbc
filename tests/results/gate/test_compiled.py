from __future__ import annotations

import pytest

from quantbench.c99.build.cortex_m import Built, Counts
from quantbench.c99.package import Costs
from quantbench.errors import UsageError
from quantbench.results.gate.compiled import judge_compiled
from quantbench.results.gate.estimate import Outcome
from quantbench.results.gate.rule import parse_rule

PASS, FAIL, OPEN = Outcome.PASS, Outcome.FAIL, Outcome.NOT_RESOLVED


def costs(flash: int | None = 60_000, scratch: int = 4_000, **changes: object) -> Costs:
    fields = {"target": "portable", "layers": (), "input": 784, "output": 40,
              "scratch": scratch, "flash": flash, "unbuilt": None}  # fmt: skip
    return Costs.model_validate(fields | changes)


def on_cortex(flash: int, instructions: int | None, stack: int | None) -> Costs:
    built = Built(level="-Os", flash=flash, instructions=instructions, stack=stack)
    counts = Counts(compiler="gcc", simulator=None, built=(built,), resolution=10,
                    missing=None if stack else "there is no qemu-system-arm")  # fmt: skip
    return costs(99, target="cortex-m4", counts=counts)


def outcome(rule: str, a: Costs, b: Costs) -> tuple[Outcome, str]:
    (judged,) = judge_compiled([parse_rule(rule)], a, b)
    return judged.outcome, judged.reason


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("flash > 64kB", PASS), ("flash > 61kB", FAIL), ("flash > +1%", FAIL), ("flash > +5%", PASS),
     ("flash > +2000B", PASS), ("flash > +1999B", FAIL), ("ram > 4KiB", PASS),
     ("ram < -0", PASS), ("ram > +0", PASS)],
)  # fmt: skip
def test_bytes_have_no_doubt(rule: str, expected: Outcome) -> None:
    assert outcome(rule, costs(60_000), costs(62_000)) == (expected, "")


def test_on_a_cortex_m_its_own_bytes_and_instructions_count() -> None:
    a, b = on_cortex(50_000, 1_000_000, 800), on_cortex(50_500, 1_020_000, 800)
    assert outcome("flash > +1%", a, b)[0] is PASS
    assert outcome("instructions > +1%", a, b)[0] is FAIL
    assert outcome("instructions > 1020000", a, b)[0] is PASS
    assert outcome("stack > 1kB", a, b)[0] is PASS


def test_what_was_not_counted_is_not_resolved() -> None:
    assert outcome("flash > 64kB", costs(), costs(None, unbuilt="there is no compiler")) == (
        OPEN, "B: there is no compiler"
    )  # fmt: skip
    assert outcome("flash > +1%", costs(None), costs())[1].startswith("A: it can't be read")
    assert "--target cortex-m4" in outcome("instructions > 5", costs(), costs())[1]
    found = outcome("stack > 1kB", on_cortex(1, 2, 3), on_cortex(50_500, None, None))
    assert found == (OPEN, "B: there is no qemu-system-arm")


def test_targets_are_not_mixed() -> None:
    found, reason = outcome("flash > +1%", costs(), on_cortex(50_000, 1, 1))
    assert (found, reason) == (
        OPEN, "A is int8 for portable, B int8 for cortex-m4: compile both alike"
    )  # fmt: skip
    assert outcome("flash > 64kB", costs(), on_cortex(50_000, 1, 1))[0] is PASS


@pytest.mark.parametrize(
    ("rule", "part"),
    [
        ("latency > +3%", "a compiled network has no latency; compare two results.json"),
        ("flsh > 64kB", "did you mean 'flash'?"),
        ("flash[x] > 64kB", "no rows and no batches"),
        ("flash > 2ms", "isn't counted in ms"),
    ],
)
def test_what_compile_does_not_measure_is_a_usage_error(rule: str, part: str) -> None:
    with pytest.raises(UsageError) as caught:
        outcome(rule, costs(), costs())
    assert part in str(caught.value)
