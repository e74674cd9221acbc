"""What all figures share. The same records give the same bytes with the same matplotlib.

Colours are Okabe and Ito's, and none carries anything that a label, a shape or a dash does not.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from quantbench.report.words import integer_instructions, joined
from quantbench.results.records import Results, Row

DPI = 200
INK, GREY, FAINT = "#222222", "#767676", "#D0D0D0"
BLUE, ORANGE = "#0072B2", "#E69F00"
SMALL = 8.5
ENGINES = (BLUE, "#D55E00", "#009E73", "#CC79A7", ORANGE, "#56B4E9", "#000000")
METHODS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*")
BEHIND = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
"""Behind a label, so that no line runs through it."""
HALF_WIDTHS = 10


def engine_colours(rows: Iterable[Row]) -> dict[str, str]:
    names = sorted({row.runtime for row in rows})
    return {name: ENGINES[place % len(ENGINES)] for place, name in enumerate(names)}


def method_markers(rows: Iterable[Row]) -> dict[str, str]:
    names = sorted({row.method for row in rows})
    return {name: METHODS[place % len(METHODS)] for place, name in enumerate(names)}


def accuracy_floor(rows: Sequence[Row]) -> float:
    """Below it a row is drawn at the edge, so that it doesn't press the others together.

    It lies HALF_WIDTHS of the best row's interval under that row; at 0 where most rows are lower.
    """
    best = max((row.accuracy for row in rows), key=lambda one: one.value, default=None)
    if best is None:
        return 0.0
    floor = best.value - HALF_WIDTHS * (best.value - best.low)
    lower = sum(row.accuracy.value < floor for row in rows)
    return floor if 2 * lower <= len(rows) else 0.0


def caption(results: Results, words: str) -> str:
    """What was measured on what, below a figure."""
    threads = joined(str(n) for n in sorted({row.threads for row in results.rows}))
    environment = results.environment
    return (
        f"{results.model} on {results.data}. {words}\n"
        f"{threads} {'thread' if threads == '1' else 'threads'} on {environment.cpu}, "
        f"{integer_instructions(environment)}."
    )


def under(figure: Figure, text: str) -> None:
    figure.supxlabel(text, fontsize=SMALL, color=GREY, x=0.005, ha="left", parse_math=False)


def plain(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=9.5, color=INK, loc="left", parse_math=False)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.tick_params(length=0, labelsize=SMALL, labelcolor=GREY)
    axes.tick_params(which="minor", length=0)
    axes.set_axisbelow(True)


def png(figure: Figure) -> bytes:
    """Without the metadata that would change with a version or a date."""
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
