"""Lines on what ran as integer: one for each row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType

from quantbench.explain.records import LayerRan, RanAs
from quantbench.report.terminal.grid import listed
from quantbench.report.words import joined, percent

_NAMED = 4


def ran_parts(ran: Sequence[RanAs]) -> Iterator[RenderableType]:
    """Say of each row how many layers multiplied integers, and why others didn't."""
    yield from listed("What ran as integer", ((each.row, _words(each)) for each in ran))


def _words(row: RanAs) -> str:
    layers = row.layers
    integer = [layer for layer in layers if layer.ran == "integer"]
    text = f"{len(integer)} of {len(layers)} layers"
    if total := sum(layer.numerics.macs for layer in layers):
        share = sum(layer.numerics.macs for layer in integer) / total
        text += f", {_share(share)} of the multiply-adds"
    timed = [layer for layer in layers if layer.us is not None]
    if timed and (whole := sum(layer.us or 0.0 for layer in timed)):
        share = sum(layer.us or 0.0 for layer in timed if layer.ran == "integer") / whole
        text += f", {_share(share)} of the time of layers"
    left = [layer for layer in layers if layer.ran != "integer"]
    return f"{text}; float32: {_left(left)}" if left else text


def _share(share: float) -> str:
    return "all" if share == 1 else percent(share)


def _left(layers: Sequence[LayerRan]) -> str:
    """The layers that stayed float by name, those of one reason together."""
    by_reason: dict[str, list[str]] = {}
    for layer in layers:
        by_reason.setdefault(layer.numerics.reason or "", []).append(layer.numerics.name)
    texts = []
    for reason, names in by_reason.items():
        left = len(names) - _NAMED
        shown = [*names[:_NAMED], *((f"{left} more",) if left > 0 else ())]
        texts.append(f"{joined(shown)}{f' ({reason})' if reason else ''}")
    return "; ".join(texts)
