"""The numerical error by layer, sensitivity, calibration and disagreement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from quantbench.explain.records import (
    Calibration,
    Disagreement,
    ErrorByLayer,
    LayerError,
    Sensitivity,
)
from quantbench.report.scores import difference_cells, number
from quantbench.report.terminal.explanation.bar import bar
from quantbench.report.terminal.grid import listed, titled
from quantbench.report.terminal.wrapped import Wrapped
from quantbench.report.words import NONE, count, joined, percent
from quantbench.results.records import MetricInfo
from quantbench.system.terminal import harmless, one_line

_MOST_LAYERS, _MOST_ARTIFACTS, _MOST_ROWS = 16, 2, 8
_FULL_DB = 60.0
"""Signal over error that a whole bar stands for: 8 bits of a uniform signal have 50 dB."""


def error_parts(errors: Sequence[ErrorByLayer]) -> Iterator[RenderableType]:
    """A table for each of the artifacts with the largest errors; the others by name."""
    ordered = sorted(errors, key=_worst)
    for error in ordered[:_MOST_ARTIFACTS]:
        yield _errors(error)
    if ordered:
        yield Wrapped(
            "SQNR: 10 log10 of the signal's power over the error's, with all layers before it; "
            "made: of the layer alone, fed float32's values. steps: the largest error over the "
            "step of the output. levels: of its format, that occur."
        )
    if others := ordered[_MOST_ARTIFACTS:]:
        yield from listed(
            "Least SQNR of the others",
            ((error.artifact, f"{_worst(error):.1f} dB") for error in others),
        )


def _worst(error: ErrorByLayer) -> float:
    return min((layer.sqnr_db for layer in error.layers), default=float("inf"))


def _errors(error: ErrorByLayer) -> Table:
    layers = error.layers
    if len(layers) > _MOST_LAYERS:
        kept = {layer.layer for layer in sorted(layers, key=_sqnr)[:_MOST_LAYERS]}
        layers = tuple(layer for layer in layers if layer.layer in kept)
    which = "" if layers is error.layers else f", the {len(layers)} worst layers"
    table = _table(
        f"Error of {harmless(error.artifact)} over {count(error.samples, 'sample')}{which}",
        "layer", "SQNR\ndB", "made\ndB", "cosine", "steps", "clipped", "levels",
    )  # fmt: skip
    table.add_column("", no_wrap=True)
    for layer in layers:
        table.add_row(
            Text(harmless(layer.layer)),
            f"{layer.sqnr_db:.1f}",
            f"{layer.made_db:.1f}",
            f"{layer.cosine:.4f}",
            f"{layer.largest_steps:.1f}" if layer.largest_steps else NONE,
            percent(layer.clipped),
            f"{layer.levels_used} of {layer.levels}" if layer.levels else NONE,
            Text(bar(layer.sqnr_db / _FULL_DB, 12)),
        )
    return table


def _sqnr(layer: LayerError) -> float:
    return layer.sqnr_db


def sensitivity_parts(
    sensitivities: Sequence[Sensitivity], metric: MetricInfo
) -> Iterator[RenderableType]:
    """A table of the layers by what each costs alone, the most costly first; and what to leave."""
    for found in sensitivities:
        yield _sensitivity(found, metric)
        yield Wrapped(
            "alone: the score with this layer alone quantized, less float32's. float gains: with "
            "this layer alone in float32, less that of all quantized."
        )
        mixed = found.mixed
        if mixed is not None:
            left = joined(mixed.left_float) if mixed.left_float else "no layer"
            reached = "reaches" if mixed.reached else "isn't shown to reach"
            value, bounds = difference_cells(metric, mixed.difference)
            yield Wrapped(
                f"Leaving {left} float ({percent(mixed.float_macs_share)} of the multiply-adds) "
                f"{reached} a drop of at most {mixed.max_drop:g} {mixed.unit}: measured {value} "
                f"(95% interval {bounds}). The recipe: {mixed.recipe}."
            )


def _sensitivity(found: Sensitivity, metric: MetricInfo) -> Table:
    table = _table(
        f"Sensitivity under {harmless(found.method)}, over {count(found.samples, 'sample')}",
        "layer", "multiply-\nadds", "alone", "95%", "error of\noutputs", "float\ngains",
    )  # fmt: skip
    table.add_column("", no_wrap=True)
    # "alone": only this layer is quantized; "float gains": all are but this one.
    ordered = sorted(found.layers, key=lambda layer: -layer.alone_loss)[:_MOST_LAYERS]
    most = max((layer.alone_loss for layer in ordered), default=0.0)
    for layer in ordered:
        table.add_row(
            Text(harmless(layer.layer)),
            f"{layer.macs:,}",
            *difference_cells(metric, layer.alone),
            number(layer.alone_loss, 2),
            difference_cells(metric, layer.all_but)[0],
            Text(bar(layer.alone_loss / most if most else 0.0, 8)),
        )
    return table


def calibration_parts(
    calibrations: Sequence[Calibration], metric: MetricInfo
) -> Iterator[RenderableType]:
    """The score against the number of calibration samples, an observer a column."""
    for found in calibrations:
        observers = [*dict.fromkeys(point.observer for point in found.points)]
        title = f"{metric.title} of {harmless(found.method)} by calibration samples"
        yield Text(f"{title}: mean, and the least and greatest of the draws", style="bold")
        table = _table("", "samples", *map(harmless, observers))
        table.title = None
        cells = {(p.observer, p.samples): p for p in found.points}
        for samples in sorted({point.samples for point in found.points}):
            points = [cells.get((observer, samples)) for observer in observers]
            table.add_row(
                f"{samples:,}",
                *(
                    NONE
                    if point is None
                    else f"{_score(metric, point.mean)}\n"
                    f"{_score(metric, point.low)}–{_score(metric, point.high)}"
                    for point in points
                ),
            )
        yield table
        if found.enough is not None:
            enough = count(found.enough, "sample")
            verb = "is" if found.enough == 1 else "are"
            yield Text(f"{enough} {verb} enough: no gain is shown from more.")
        else:
            yield Text("How many samples are enough isn't shown by these draws.")


def _score(metric: MetricInfo, value: float) -> str:
    return f"{100 * value:.2f}" if metric.unit == "fraction" else number(value, 4)


def disagreement_parts(disagreements: Sequence[Disagreement]) -> Iterator[RenderableType]:
    """A line for each row: the samples whose answer changed, and in which classes."""
    shown = sorted(disagreements, key=lambda row: -row.changed)[:_MOST_ROWS]
    yield from listed("Answers unlike float32's", ((row.row, _changed(row)) for row in shown))


def _changed(row: Disagreement) -> str:
    text = f"{row.changed:,} of {count(row.samples, 'sample')}"
    if row.only_float_right or row.only_this_right:
        text += f"; right before {row.only_float_right:,}, right now {row.only_this_right:,}"
    if row.float_probability_of_changed is not None:
        text += (
            f"; float32 was {percent(row.float_probability_of_changed, 0)} sure of them (median)"
        )
    worst = [
        f"{one_line(each.label)} −{each.float_right - each.right}"
        for each in sorted(row.classes, key=lambda each: each.right - each.float_right)[:3]
        if each.right < each.float_right
    ]
    return f"{text}; most in class {joined(worst)}" if worst else text


def _table(title: str, first: str, *headings: str) -> Table:
    table = titled(title, narrow=True)
    table.add_column(Text(first), overflow="fold")
    for heading in headings:
        table.add_column(Text(heading), justify="right", overflow="fold")
    return table
