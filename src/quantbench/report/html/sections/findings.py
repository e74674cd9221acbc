"""The causes that were found, with their evidence and their remedies."""

from __future__ import annotations

from quantbench.report.html.parts import Cause, Part, Report, Section, Words
from quantbench.report.scores import number
from quantbench.report.words import joined
from quantbench.results.records import Evidence, Finding

_TITLE = "What was found"
WEIGHTS = {"fault": "fault", "cost": "cost", "note": "note"}
_ORDER = tuple(WEIGHTS)
_WHOLE = 1e9


def section(report: Report) -> Section | None:
    """The section of the findings; None without an explanation of it."""
    explanation = report.explanation
    if explanation is None:
        return None
    parts: list[Part] = [cause(finding) for finding in by_weight(explanation.findings)]
    if not parts:
        parts.append(Words("Nothing was found that costs speed, size or score."))
    parts.extend(Words(note) for note in explanation.notes)
    return Section("findings", _TITLE, tuple(parts))


def by_weight(findings: tuple[Finding, ...]) -> list[Finding]:
    """Faults first, then costs, then notes."""
    return sorted(findings, key=lambda finding: _ORDER.index(finding.weight))


def cause(finding: Finding) -> Cause:
    """A finding as the page shows it."""
    return Cause(
        WEIGHTS[finding.weight],
        finding.sentence,
        tuple(map(_evidence, finding.evidence)),
        finding.remedy,
        joined(finding.rows) if finding.rows else "",
    )


def _evidence(evidence: Evidence) -> str:
    whole = evidence.value == round(evidence.value) and abs(evidence.value) < _WHOLE
    value = f"{evidence.value:,.0f}" if whole else number(evidence.value)
    unit = evidence.unit
    after = unit if unit == "%" else f" {unit}"
    return f"{evidence.what}: {value.replace('-', '−', 1)}{after}".rstrip()
