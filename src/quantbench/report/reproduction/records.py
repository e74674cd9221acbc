"""The record of a claim of the source report with its answer."""

from __future__ import annotations

from pydantic import Field

from quantbench.system.record import Record


class Claim(Record):
    """One of the source report's claims, answered from measurements."""

    claim: str
    answer: str
    findings: tuple[str, ...] = Field(
        (), description="names of the rules that say why, where they found something in its rows"
    )
