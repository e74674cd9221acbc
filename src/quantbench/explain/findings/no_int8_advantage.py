"""A CPU that multiplies int8 hardly faster than float32."""

from __future__ import annotations

from collections.abc import Iterable

from quantbench.explain.evidence import quantized, row_names
from quantbench.explain.records import Explanation
from quantbench.results.records import Evidence, Finding, Results

TITLE = "no int8 advantage on this CPU"
ADVANTAGE = 1.5
"""The peak of int8 over that of float32 that conversions and the rest leave something of."""


def find(results: Results, explanation: Explanation) -> Iterable[Finding]:
    """One finding about all rows whose integer kernels ran, from the CPU's measured peaks."""
    peaks = explanation.peaks
    rows = row_names(quantized(results))
    if peaks is None or not rows:
        return
    float32, int8 = (_best(peaks.macs_per_us, format) for format in ("float32", "int8"))
    if float32 is None or int8 is None or int8[1] >= ADVANTAGE * float32[1]:
        return
    yield Finding(
        rule="no_int8_advantage",
        weight="cost",
        sentence=(
            f"this CPU hardly gains from int8: its best instructions do {int8[1]:,.0f} "
            f"multiply-adds of int8 in a microsecond ({int8[0]}) and {float32[1]:,.0f} of float32 "
            f"({float32[0]}), {int8[1] / float32[1]:.2f} times as many"
        ),
        evidence=(
            Evidence(what=f"peak of {int8[0]}", value=int8[1], unit="multiply-adds/us"),
            Evidence(what=f"peak of {float32[0]}", value=float32[1], unit="multiply-adds/us"),
        ),
        remedy=(
            "run it where the CPU has a dot product of 8-bit integers (VNNI, ARM's SDOT), or take "
            "int8 for its size alone"
        ),
        rows=rows,
    )


def _best(peaks: dict[str, float], format: str) -> tuple[str, float] | None:
    """The name and the peak of the fastest instructions for a format."""
    known = [(name, value) for name, value in peaks.items() if format in name.split()]
    return max(known, key=lambda pair: pair[1], default=None)
