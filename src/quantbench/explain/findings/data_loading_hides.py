"""Reading the samples takes so long that times with it say little of the network."""

from __future__ import annotations

from collections.abc import Iterable

from quantbench.explain.evidence import percentage
from quantbench.explain.records import Explanation
from quantbench.results.records import Evidence, Finding, Results
from quantbench.results.select import largest_batch

TITLE = "data loading hides the network"
HIDES = 0.5
"""The share of float32's time with data from which on reading is most of it."""


def find(results: Results, explanation: Explanation) -> Iterable[Finding]:
    """One finding, about the first float32 that was timed with its data."""
    reading = results.data_loading
    floats = (row for row in results.rows if row.against_float is None)
    timed = ((row, x) for row in floats if (x := largest_batch(row, "end_to_end")) is not None)
    row, whole = next(timed, (None, None))
    if reading is None or row is None or whole is None or reading.median < HIDES * whole.median:
        return
    share = reading.median / whole.median
    yield Finding(
        rule="data_loading_hides",
        weight="note",
        sentence=(
            f"reading the data takes {share:.0%} of the time that {row.name} takes with it: times "
            "taken so hide the network, and draw every ratio towards 1"
        ),
        evidence=(
            percentage("time with data that reading takes", share),
            Evidence(what=f"reading a {results.sample}", value=reading.median, unit="us"),
            Evidence(what=f"{row.name} with data", value=whole.median, unit="us"),
        ),
        remedy="judge the network by its own time, and speed up reading: decode once, in advance",
        rows=(row.name,),
    )
