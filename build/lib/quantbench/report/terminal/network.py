"""The layers of a network, and what a method made of them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from quantbench.numerics.coverage import LayerNumerics, Quantized
from quantbench.numerics.formats import activations_text, joined, weights_text
from quantbench.report.terminal.grid import titled
from quantbench.report.words import NONE, covered, percent
from quantbench.system.terminal import harmless, one_line
from quantbench.tasks.records import Layer


@dataclass(frozen=True)
class _Hanging:
    """A line that goes on below, where it must, at four columns more than it began at."""

    line: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        indent = len(self.line) - len(self.line.lstrip(" ")) + 4
        for part in textwrap.wrap(
            self.line, options.max_width, subsequent_indent=" " * indent, break_on_hyphens=False
        ) or [""]:
            yield Text(part)


def layer_table(layers: tuple[Layer, ...], title: str) -> RenderableType:
    """A layer a line. An activation stands beside the layer that it follows."""
    table = _table(title, "layer", "kind", "kernel", "stride", "acti-\nvation", "output")
    for heading in ("para-\nmeters", "multiply-\nadds"):
        table.add_column(Text(heading), justify="right", overflow="fold")
    shown = _without_followers(layers)
    for layer in shown:
        table.add_row(
            Text(harmless(layer.name)),
            Text(layer.kind),
            _by(layer.kernel),
            _by(layer.stride),
            Text(layer.activation or NONE),
            _by(layer.output_shape),
            Text(f"{layer.parameters:,}"),
            Text(f"{layer.macs:,}"),
            end_section=layer is shown[-1],
        )
    table.add_row(
        Text("total", style="bold"),
        *([""] * 5),
        Text(f"{sum(layer.parameters for layer in layers):,}", style="bold"),
        Text(f"{sum(layer.macs for layer in layers):,}", style="bold"),
    )
    return table


def numerics_table(quantized: Quantized) -> RenderableType:
    """The converted network as its framework prints it, then the number formats of each layer."""
    table = _table("Number formats", "layer\n  kind", "multiply-adds\n  share")
    table.add_column(Text("weights\n  activations"), overflow="fold")
    table.add_column(Text("output scale\nzero point"), justify="right", overflow="fold")
    total = sum(layer.macs for layer in quantized.layers)
    for layer in quantized.layers:
        table.add_row(
            Text(f"{harmless(layer.name)}\n  {harmless(layer.kind)}"),
            Text(f"{layer.macs:,}\n  {percent(layer.macs / total)}"),
            Text(_formats(layer)),
            Text(_scale(layer)),
        )
    return Group(
        *(_Hanging(line) for line in quantized.structure.splitlines()),
        Text(),
        table,
        Text(),
        Text(f"{quantized.numerics.text}; {covered(quantized.coverage)}"),
        *(Text(one_line(line)) for line in (*_stayed_float(quantized.layers), *quantized.notes)),
    )


def _without_followers(layers: tuple[Layer, ...]) -> list[Layer]:
    shown: list[Layer] = []
    before: str | None = None
    for layer in layers:
        if layer.kind != before or layer.parameters:
            shown.append(layer)
        before = layer.activation
    return shown


def _stayed_float(layers: tuple[LayerNumerics, ...]) -> Iterable[str]:
    """Each reason once, with the layers that it holds for."""
    named: dict[str, list[str]] = {}
    for layer in layers:
        if not layer.integer:
            named.setdefault(layer.reason or "no reason given", []).append(layer.name)
    return (f"{', '.join(names)} stayed float: {reason}" for reason, names in named.items())


def _formats(layer: LayerNumerics) -> str:
    weights = joined(map(weights_text, layer.weights))
    activations = joined(map(activations_text, layer.activations))
    return f"{weights}\n  {activations}"


def _scale(layer: LayerNumerics) -> str:
    if layer.scale is None:
        return f"{NONE}\n{NONE}"
    return f"{layer.scale:.6g}\n{NONE if layer.zero_point is None else layer.zero_point}"


def _by(sizes: tuple[int, ...]) -> Text:
    return Text("×".join(str(size) for size in sizes) or NONE)


def _table(title: str, *headings: str) -> Table:
    table = titled(title)
    for heading in headings:
        table.add_column(Text(heading), overflow="fold")
    return table
