"""Activations that no observer ever saw: their scale is 1, whatever their range."""

from __future__ import annotations

from collections.abc import Iterable

from quantbench.explain.evidence import (
    MOST_NAMED,
    change,
    named,
    never_calibrated,
    quantized,
    ran,
    row_names,
)
from quantbench.explain.records import Explanation, LayerRan
from quantbench.results.records import Evidence, Finding, Results, Row

TITLE = "never calibrated"


def find(results: Results, explanation: Explanation) -> Iterable[Finding]:
    """One finding for rows that were never calibrated, one for each row with such layers."""
    whole = [row for row in quantized(results) if never_calibrated(row)]
    if whole:
        changes = [change(results, row) for row in whole[:MOST_NAMED]]
        formats = sum(f.scaling == "unit" for row in whole for f in row.numerics.activations)
        yield Finding(
            rule="never_calibrated",
            weight="fault",
            sentence=(
                f"{named(row_names(whole))} {'was' if len(whole) == 1 else 'were'} never "
                "calibrated: every activation is rounded to a whole number, whatever its range"
            ),
            evidence=(
                Evidence(what="activation formats at scale 1", value=formats),
                *(evidence for evidence in changes if evidence is not None),
                *_least(explanation, whole),
            ),
            remedy=(
                "run the observers on samples that are like those in use before converting; the "
                "method static does, with the same kernels"
            ),
            rows=row_names(whole),
        )
    for row in quantized(results):
        layers = _layers(explanation, row) if row not in whole else []
        if layers:
            yield Finding(
                rule="never_calibrated",
                weight="fault",
                sentence=(
                    f"{named([layer.numerics.name for layer in layers])} of {row.name} "
                    f"{'has' if len(layers) == 1 else 'have'} an output at scale 1 and zero point "
                    "0: no observer saw its range"
                ),
                evidence=(Evidence(what="layers at scale 1", value=len(layers), unit="layers"),),
                remedy="calibrate the layer's output: run the quantizer again on whole samples",
                rows=(row.name,),
            )


def _least(explanation: Explanation, rows: list[Row]) -> tuple[Evidence, ...]:
    """The least signal over error of any of their layers, where it was found out."""
    artifacts = {f"{row.method} {row.format}" for row in rows}
    least = [x.sqnr_db for e in explanation.errors if e.artifact in artifacts for x in e.layers]
    if not least:
        return ()
    return (Evidence(what="least signal over error of its layers", value=min(least), unit="dB"),)


def _layers(explanation: Explanation, row: Row) -> list[LayerRan]:
    """The layers whose output is at scale 1 by accident: exactly 1, which calibration never is."""
    found = ran(explanation, row)
    layers = found.layers if found else ()
    return [x for x in layers if x.numerics.scale == 1.0 and x.numerics.zero_point == 0]
