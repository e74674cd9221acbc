"""Apply every rule of explain/findings to the results of a study and what explains them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, cast

from quantbench import plugins
from quantbench.errors import QuantbenchError, cause
from quantbench.explain.records import Explanation
from quantbench.results.records import Finding, Results

WEIGHTS = ("fault", "cost", "note")
"""The weights, the weightiest first."""


class FindingModule(Protocol):
    """A rule: it looks for one cause in what was measured.

    `find` is a pure function. It reads only evidence that is there: a part of the explanation that
    wasn't made is empty, and then a rule that needs it yields nothing.
    """

    TITLE: str

    def find(self, results: Results, explanation: Explanation) -> Iterable[Finding]:
        """Yield a finding for each cause, or for all rows that share it, with its evidence."""


@dataclass(frozen=True)
class Judged:
    """The findings of all rules, the weightiest first, and a note for each rule that failed."""

    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()


def judge(results: Results, explanation: Explanation | None = None) -> Judged:
    """Ask every rule. Without an explanation, those answer that need only results."""
    evidence = explanation or Explanation(results_sha256="")
    findings, notes = list[Finding](), list[str]()
    for name in plugins.names("findings"):
        try:
            rule = cast(FindingModule, plugins.finding(name))
            findings += (f.model_copy(update={"rule": name}) for f in rule.find(results, evidence))
        except QuantbenchError as error:
            notes.append(str(error))
        except Exception as error:  # noqa: BLE001  # a plug-in may raise anything
            notes.append(f"the rule '{name}' failed: {cause(error)}")
    shipped = {answer.ship.row for answer in results.answers if answer.ship is not None}
    ordered = sorted(
        findings, key=lambda x: (WEIGHTS.index(x.weight), not shipped & {*x.rows}, x.rule)
    )
    return Judged(tuple(ordered), tuple(notes))


def with_findings(results: Results) -> Results:
    """The same results with the findings of the rules that need only results."""
    return results.model_copy(update={"findings": judge(results).findings})
