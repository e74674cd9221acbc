"""The source report's claims and what the measurements say of them."""

from __future__ import annotations

from quantbench.system.record import Record


class Claim(Record):
    """One of the source report's claims, answered from measurements."""

    claim: str
    answer: str
