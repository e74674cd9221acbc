"""Tables of where the time goes: a bar for each row, then the layers of the first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from quantbench.explain.records import Part, Peaks, Prediction, TimeSplit, Unsplit
from quantbench.report.terminal.explanation.bar import bar, stacked
from quantbench.report.terminal.grid import listed, titled
from quantbench.report.terminal.wrapped import Wrapped
from quantbench.report.words import NONE, percent, ratio, significant
from quantbench.system.terminal import harmless, one_line

SIGNS: dict[Part, str] = {
    "integer": "#", "float": "F", "conversion": "=", "other": "+", "call": "."
}  # fmt: skip
_MOST_LAYERS = 12


def time_parts(
    times: Sequence[TimeSplit], unsplit: Sequence[Unsplit], peaks: Peaks | None
) -> Iterator[RenderableType]:
    """The bars of all rows, the layers of the first split, and the rows that have none."""
    if times:
        yield _bars(times)
        yield Wrapped(
            "# integer layers, F float layers, = quantize, dequantize and reorder, + other "
            "operators, . the call itself. of limit: the time that this CPU needs at least, for "
            "the multiply-adds or for reading the weights, over the time taken."
        )
        yield Text()
        yield _layers(times[0])
        if (left := len(times[0].layers) - _MOST_LAYERS) > 0:
            yield Text(f"{left} shorter ones are in explanation.json.")
        notes = [(f"{split.row} at {split.batch:,}", split.note) for split in times if split.note]
        if notes:
            yield Text()
            yield from listed("Notes on times", notes)
    if unsplit:
        yield Text()
        yield from listed("Not split", ((each.row, each.reason) for each in unsplit))
    if peaks is not None:
        yield Text()
        yield Wrapped(_peaks(peaks))


def prediction_parts(predictions: Sequence[Prediction]) -> Iterator[RenderableType]:
    """The predicted times with other kernels, a row each, called what they are."""
    if not predictions:
        return
    kernels, here = predictions[0].kernels, predictions[0].measured_with
    table = _table(f"Predicted with {kernels} kernels", "batch", "µs", "float32\nµs", "speed")
    for each in predictions:
        table.add_row(
            Text(harmless(each.row)),
            f"{each.batch:,}",
            significant(each.int8_us),
            NONE if each.float32_us is None else significant(each.float32_us),
            NONE if each.ratio is None else ratio(each.ratio),
        )
    yield table
    yield Wrapped(
        f"A prediction for another CPU: on this one the C with {kernels} kernels alone ran in turn "
        f"with {here}. Speed: the time of {harmless(predictions[0].float32)} over it. The other "
        "CPU's clock and caches are taken to be this one's."
    )


def _bars(times: Sequence[TimeSplit]) -> Table:
    table = _table(
        "Where the time goes", "batch", "µs", "inte-\nger", "float", "con-\nvert", "other", "call",
        "of\nlimit",
    )  # fmt: skip
    table.add_column("", no_wrap=True)
    for split in times:
        table.add_row(
            Text(harmless(split.row)),
            f"{split.batch:,}",
            significant(split.total_us),
            *(percent(split.parts.get(part, 0.0) / split.total_us, 0) for part in SIGNS),
            NONE if split.limit is None else percent(split.limit.share, 0),
            Text(stacked([(SIGNS[part], split.parts.get(part, 0.0)) for part in SIGNS], 10)),
        )
    return table


def _layers(split: TimeSplit) -> Table:
    title = (
        f"{harmless(split.row)} at batch {split.batch:,}, by {one_line(split.profiler)}; "
        f"{significant(split.total_us)} µs"
    )
    table = _table(title, "part", "multiply-adds", "µs", "share")
    table.add_column("", no_wrap=True)
    ordered = sorted(split.layers, key=lambda layer: -layer.us)
    for layer in ordered[:_MOST_LAYERS]:
        share = layer.us / split.total_us
        table.add_row(
            Text(harmless(layer.name)),
            layer.part,
            f"{layer.macs:,}" if layer.macs else NONE,
            significant(layer.us),
            percent(share, 0),
            Text(bar(share, 16)),
        )
    return table


def _peaks(peaks: Peaks) -> str:
    macs = ", ".join(f"{name} {value:,.0f}" for name, value in peaks.macs_per_us.items())
    read = ", ".join(f"{name} {value:,.0f}" for name, value in peaks.bytes_per_us.items())
    return f"Peaks of this CPU, on one core: multiply-adds a µs: {macs}; bytes read a µs: {read}."


def _table(title: str, *headings: str) -> Table:
    table = titled(title, narrow=True)
    table.add_column(Text("row" if "batch" in headings else "operator"), overflow="fold")
    for heading in headings:
        table.add_column(Text(heading), justify="right", overflow="fold")
    return table
