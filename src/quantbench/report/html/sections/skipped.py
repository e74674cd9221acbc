"""The section on rows that were not measured, with the reasons."""

from __future__ import annotations

from quantbench.report.html.parts import Report, Section, numbers


def section(report: Report) -> Section | None:
    """The section of what was skipped; None where nothing was."""
    skipped = report.results.skipped
    if not skipped:
        return None
    table = numbers(
        "not-measured",
        ("method", "runtime", "reason"),
        (
            (
                _all(each.method),
                _all(each.runtime),
                f"failed: {each.reason}" if each.failed else each.reason,
            )
            for each in skipped
        ),
        "Methods and runtimes without a row",
    )
    return Section("not-measured", "What was not measured, and why", (table,))


def _all(name: str) -> str:
    return "all" if name == "*" else name
