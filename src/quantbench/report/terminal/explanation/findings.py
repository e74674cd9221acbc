"""Findings: the weightiest first, each with its remedy and evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.console import RenderableType
from rich.text import Text

from quantbench.report.terminal.grid import titled
from quantbench.report.words import NONE, significant
from quantbench.results.records import Evidence, Finding
from quantbench.system.terminal import harmless, one_line

_MOST_EVIDENCE = 3


def finding_parts(findings: Sequence[Finding]) -> Iterator[RenderableType]:
    """A table of all findings, or a line where there are none."""
    yield Text("Findings", style="bold")
    if not findings:
        yield Text("  Nothing was found that costs speed, size or score.")
        return
    table = titled("")
    table.title = None
    table.show_header = False
    for _ in range(2):
        table.add_column(overflow="fold")
    for finding in findings:
        table.add_row(Text(finding.weight, style="bold"), _words(finding))
    yield table


def _words(finding: Finding) -> Text:
    sentence = one_line(finding.sentence)
    return Text.assemble(
        (f"{harmless(finding.rule.replace('_', ' '))}: ", "bold"),
        f"{sentence}.\n",
        f"Evidence: {evidence_text(finding.evidence)}.\n",
        f"Remedy: {one_line(finding.remedy)}.",
    )


def evidence_text(evidence: Iterable[Evidence]) -> str:
    """The measured values behind a finding: "layers in float32: 2 layers; time: 31%"."""
    values = [_value(each) for each in evidence]
    left = len(values) - _MOST_EVIDENCE
    more = (f"{left} more",) if left > 0 else ()
    return "; ".join((*values[:_MOST_EVIDENCE], *more)) or NONE


def _value(evidence: Evidence) -> str:
    value = evidence.value
    number = f"{value:,.0f}" if value == int(value) else significant(value)
    number = number.replace("-", "−")
    unit = evidence.unit.removesuffix("s") if value == 1 else evidence.unit
    unit = unit if unit == "%" else f" {unit}".rstrip()
    return f"{one_line(evidence.what)}: {number}{unit}"
