"""Shared parts of all figures. The same records and matplotlib yield the same bytes.

Colours are Okabe and Ito's, and none is the only sign of anything: a label, a shape or a dash
says the same.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterable

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from quantbench.report.words import integer_instructions, joined
from quantbench.results.records import Results, Row

DPI = 200
INK, GREY, FAINT = "#222222", "#767676", "#D0D0D0"
BLUE, ORANGE = "#0072B2", "#E69F00"
SMALL = 8.5
CAPTION_WIDTH = 145
"""Characters of a line below a figure that is 10 inches wide."""
COLOURS = (BLUE, "#D55E00", "#009E73", "#CC79A7", ORANGE, "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*")
BEHIND = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
"""The box behind a label, so that no line runs through it."""


def runtime_colours(rows: Iterable[Row]) -> dict[str, str]:
    """Runtime -> colour; the colours repeat after the seventh runtime."""
    names = sorted({row.runtime for row in rows})
    return {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(names)}


def method_markers(rows: Iterable[Row]) -> dict[str, str]:
    """Method -> matplotlib marker; the markers repeat after the twelfth method."""
    names = sorted({row.method for row in rows})
    return {name: MARKERS[place % len(MARKERS)] for place, name in enumerate(names)}


def caption(results: Results, words: str) -> str:
    """The text below a figure: model, data set, `words`, threads and CPU."""
    threads = joined(str(n) for n in sorted({row.threads for row in results.rows}))
    environment = results.environment
    text = (
        f"{results.model} on {results.data}. {words}\n"
        f"{threads} {'thread' if threads == '1' else 'threads'} on {environment.cpu}, "
        f"{integer_instructions(environment)}."
    )
    return "\n".join(textwrap.fill(line, CAPTION_WIDTH) for line in text.splitlines())


def under(figure: Figure, text: str) -> None:
    """Put a text below the figure, at its left."""
    figure.supxlabel(text, fontsize=SMALL, color=GREY, x=0.005, ha="left", parse_math=False)


def plain(axes: Axes, title: str) -> None:
    """Give axes a title and remove frame and ticks."""
    axes.set_title(title, fontsize=9.5, color=INK, loc="left", parse_math=False)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.tick_params(length=0, labelsize=SMALL, labelcolor=GREY)
    axes.tick_params(which="minor", length=0)
    axes.set_axisbelow(True)


def png(figure: Figure) -> bytes:
    """Render a figure to PNG, without metadata that changes with a version or a date."""
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
