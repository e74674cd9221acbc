"""The network itself, to try in the page."""

from __future__ import annotations

from quantbench.report.html.parts import Report, Section, Trial, Words

_TITLE = "Try the network"


def section(report: Report) -> Section | None:
    """The section of the embedded network; None where it wasn't asked for."""
    embedded = report.embedded
    if isinstance(embedded, str):
        if not embedded:
            return None
        return Section("try", _TITLE, (Words(f"The network isn't in this page: {embedded}."),))
    return Section("try", _TITLE, (Trial(embedded),))
