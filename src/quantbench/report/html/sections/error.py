"""The section on numerical error: heat maps by layer and artifact, and histograms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from quantbench.explain.records import ErrorByLayer, Histogram, LayerError
from quantbench.report.html.parts import Figure, Heading, Part, Report, Section, Table, numbers
from quantbench.report.svg.heat import Cell, heat
from quantbench.report.svg.histogram import histogram
from quantbench.report.words import count, percent

_TITLE = "Where the error is made"
_GOOD, _BAD = 50.0, 0.0
"""Decibels of the faintest and of the strongest colour."""
_HISTOGRAMS = 24
"""Histograms that a page shows at most."""


def section(report: Report) -> Section | None:
    """The section of the error by layer; None without an explanation of it."""
    explanation = report.explanation
    errors = () if explanation is None else tuple(x for x in explanation.errors if x.layers)
    if not errors:
        return None
    return Section("error", _TITLE, (*_maps(errors), *_histograms(errors)))


def _maps(errors: Sequence[ErrorByLayer]) -> Iterator[Part]:
    layers = [*dict.fromkeys(layer.layer for each in errors for layer in each.layers)]
    table = numbers(
        "error-by-layer",
        (
            "artifact", "layer", "kind", "SQNR dB", "made in it dB",
            "median channel dB", "cosine", "largest, steps",
            "clipped", "levels used", "levels", "constant channels", "channels",
        ),
        (
            (
                each.artifact, x.layer, x.kind, x.sqnr_db, x.made_db,
                x.channel_db, x.cosine, x.largest_steps,
                x.clipped, x.levels_used, x.levels, x.constant_channels, x.channels,
            )
            for each in errors
            for x in each.layers
        ),
    )  # fmt: skip
    yield _map(errors, layers, "made_db", "Made in the layer", "fed with float32's values", table)
    carried = numbers(
        "error-carried",
        ("artifact", "layer", "SQNR dB"),
        ((each.artifact, x.layer, x.sqnr_db) for each in errors for x in each.layers),
    )
    yield _map(
        errors, layers, "sqnr_db", "Carried to the layer", "with all layers before it", carried
    )


def _map(
    errors: Sequence[ErrorByLayer], layers: Sequence[str], field: str, title: str, words: str,
    table: Table,
) -> Figure:  # fmt: skip
    known = [{layer.layer: layer for layer in each.layers} for each in errors]
    found = [
        (_decibels(by_name[name], field), name, each.artifact)
        for name in layers
        for by_name, each in zip(known, errors, strict=True)
        if name in by_name
    ]
    worst = min(found)
    cells = tuple(
        tuple(
            _cell(by_name.get(name), field, each.artifact)
            for by_name, each in zip(known, errors, strict=True)
        )
        for name in layers
    )
    samples = errors[0].samples
    return Figure(
        f"{title}: signal over error in dB, {words}",
        f"The stronger the colour, the larger the error ({_BAD:g} dB and less to {_GOOD:g} dB and "
        f"more), over {count(samples, 'sample')}. The largest: {worst[1]} of {worst[2]}, "
        f"{worst[0]:.1f} dB.",
        partial(heat, rows=layers, columns=[each.artifact for each in errors], cells=cells),
        table,
    )


def _decibels(layer: LayerError, field: str) -> float:
    return layer.made_db if field == "made_db" else layer.sqnr_db


def _cell(layer: LayerError | None, field: str, artifact: str) -> Cell:
    if layer is None:
        return Cell(None, "", f"{artifact} has no such layer")
    value = _decibels(layer, field)
    level = (_GOOD - value) / (_GOOD - _BAD)
    return Cell(level, f"{value:.0f}", f"{layer.layer}, {artifact}: {value:.1f} dB")


def _histograms(errors: Sequence[ErrorByLayer]) -> Iterator[Part]:
    drawn = [(each, x) for each in errors for x in each.histograms][:_HISTOGRAMS]
    if drawn:
        yield Heading("Values and the ranges chosen for them")
    for number, (each, x) in enumerate(drawn):
        yield _histogram(each, x, number)


def _histogram(each: ErrorByLayer, x: Histogram, number: int) -> Figure:
    outside = sum(
        count_
        for low, high, count_ in zip(x.edges, x.edges[1:], x.counts, strict=False)
        if high < x.low or low > x.high
    )
    total = max(sum(x.counts), 1)
    return Figure(
        f"{x.layer}, {x.what}",
        f"{each.artifact}: the range {x.low:.3g} to {x.high:.3g} leaves "
        f"{percent(outside / total)} of the values outside.",
        partial(histogram, edges=x.edges, counts=x.counts, low=x.low, high=x.high),
        numbers(
            f"histogram-{number + 1}",
            ("from", "to", "count"),
            zip(x.edges, x.edges[1:], x.counts, strict=False),
        ),
        small=True,
    )
