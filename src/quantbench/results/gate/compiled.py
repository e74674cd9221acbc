"""Judge two compiled networks, by the bytes and instructions that `quantbench compile` found."""

from __future__ import annotations

from collections.abc import Sequence

from quantbench.c99.package import Costs
from quantbench.errors import UnknownNameError, UsageError
from quantbench.results.gate.estimate import exactly
from quantbench.results.gate.figures import Figures
from quantbench.results.gate.judge import COMPILED, QUANTITIES, Judged, judge_row
from quantbench.results.gate.limit import limit_of
from quantbench.results.gate.rule import Rule


def judge_compiled(rules: Sequence[Rule], a: Costs, b: Costs) -> tuple[Judged, ...]:
    """Judge B against A, both of one target. Raises UsageError for what compile doesn't measure."""
    return tuple(_judged(rule, a, b) for rule in rules)


def cost(costs: Costs, quantity: str) -> int | None:
    """One of COMPILED, in bytes or instructions of an inference; None where it wasn't measured.

    `ram` is the memory that the network works in: the caller's input and output are beside it. On a
    Cortex-M, flash is that of the smallest code.
    """
    built = costs.counts.built[0] if costs.counts and costs.counts.built else None
    match quantity:
        case "flash":
            return costs.flash if built is None else built.flash
        case "ram":
            return costs.scratch
        case "stack":
            return None if built is None else built.stack
        case _:
            return None if built is None else built.instructions


def _judged(rule: Rule, a: Costs, b: Costs) -> Judged:
    if rule.quantity in QUANTITIES and rule.quantity not in COMPILED:
        raise UsageError(
            f"rule '{rule}': a compiled network has no {rule.quantity}; compare two results.json"
        )
    if rule.quantity not in COMPILED:
        raise UnknownNameError("quantity", rule.quantity, COMPILED, f"rule '{rule}'")
    if rule.row is not None or rule.batch is not None:
        raise UsageError(f"rule '{rule}': a compiled network has no rows and no batches; drop them")
    dimension = COMPILED[rule.quantity]
    return judge_row(rule, "", dimension, limit_of(rule, dimension), _figures(rule, a, b))


def _figures(rule: Rule, a: Costs, b: Costs) -> Figures:
    before, now = cost(a, rule.quantity), cost(b, rule.quantity)
    if now is None:
        return Figures(before, None, None, reason=f"B: {_why_none(b, rule.quantity)}")
    reason = _unlike(a, b) or (f"A: {_why_none(a, rule.quantity)}" if before is None else "")
    if before is None or reason:
        return Figures(before, now, exactly(now), reason=reason)
    relative = exactly((now - before) / before) if before else None
    return Figures(
        before, now, exactly(now), exactly(now - before), relative,
        "" if before else "A's figure is 0",
    )  # fmt: skip


def _unlike(a: Costs, b: Costs) -> str:
    kinds = [f"{costs.dtype} for {costs.target}" for costs in (a, b)]
    if kinds[0] == kinds[1]:
        return ""
    return f"A is {kinds[0]}, B {kinds[1]}: compile both alike"


def _why_none(costs: Costs, quantity: str) -> str:
    if costs.counts is None and quantity in ("stack", "instructions"):
        return "not counted; compile with --target cortex-m4 or cortex-m7"
    if costs.counts is not None and costs.counts.missing:
        return costs.counts.missing
    return costs.unbuilt or "it can't be read from this system's object files"
