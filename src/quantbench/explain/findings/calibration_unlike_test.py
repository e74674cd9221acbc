"""Values beyond the range that calibration saw: the samples there are unlike those in use."""

from __future__ import annotations

from collections.abc import Iterable

from quantbench.explain.evidence import calibrated_errors, named, percentage, rows_of
from quantbench.explain.records import Explanation
from quantbench.results.records import Finding, Results

TITLE = "calibration unlike test data"
CLIPPED = 0.01
"""The share of a layer's values outside its range that calibration on like samples never leaves:
the widest percentile that quantizers cut is a tenth of it."""


def find(results: Results, explanation: Explanation) -> Iterable[Finding]:
    """One finding for each artifact, which names the layers that clip most."""
    for error in calibrated_errors(results, explanation):
        clipped = [layer for layer in error.layers if layer.clipped >= CLIPPED]
        if not clipped:
            continue
        clipped.sort(key=lambda layer: -layer.clipped)
        yield Finding(
            rule="calibration_unlike_test",
            weight="fault",
            sentence=(
                f"{error.artifact} clips {clipped[0].clipped:.1%} of the values of "
                f"{clipped[0].layer} on test samples"
                + (f", and values of {named([x.layer for x in clipped[1:]])}"
                   if len(clipped) > 1 else "")
                + ": it was calibrated on samples of a smaller range"
            ),
            evidence=tuple(
                percentage(f"values of {layer.layer} outside its range", layer.clipped)
                for layer in clipped[:4]
            ),
            remedy=(
                "calibrate on samples that are prepared, and spread over classes, as those in use; "
                "`quantbench check` compares the two splits"
            ),
            rows=rows_of(results, error.artifact),
        )  # fmt: skip
