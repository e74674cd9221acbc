"""The one picture for a notebook, whose page may be light or dark and has no style of ours."""

from __future__ import annotations

from html import escape

from quantbench.report.html.palette import LIGHT
from quantbench.report.html.parts import Key
from quantbench.report.html.tradeoff import tradeoff
from quantbench.report.svg.element import drawing
from quantbench.report.svg.marks import COLOURS, mark
from quantbench.results.records import Results

_WIDTH = 620.0
_DARK = "s6"
"""The series that a dark page would swallow: it takes the colour of the text."""
_COLOURS = "\n".join(
    f".quantbench .c{place} {{ --c: {'currentColor' if name == _DARK else LIGHT[name]} }}"
    for place, name in enumerate(f"s{number}" for number in range(COLOURS))
)
_STYLE = f"""
{_COLOURS}
.quantbench figure {{ margin: 0.5em 0 }}
.quantbench figure svg {{ max-width: 100%; height: auto; font: 12px system-ui, sans-serif;
  vertical-align: middle }}
.quantbench svg text {{ fill: currentColor }}
.quantbench svg .mark {{ fill: var(--c); stroke: var(--c); fill-opacity: 0.85 }}
.quantbench svg .mark.hollow {{ fill: none; stroke-width: 2 }}
.quantbench svg .mark.rim {{ stroke: currentColor; stroke-width: 2 }}
.quantbench svg line, .quantbench svg .front {{ stroke: currentColor; stroke-opacity: 0.25 }}
.quantbench svg .front {{ fill: none; stroke-dasharray: 2 3; stroke-opacity: 0.7 }}
.quantbench svg .arrow {{ fill: currentColor }}
"""


def notebook_picture(results: Results) -> str:
    """The figure of all rows as an HTML element, or nothing where no row has a time and a score."""
    figure = tradeoff(results)
    if figure is None:
        return ""
    keys = " ".join(map(_key, figure.legend))
    return (
        f'<figure aria-label="{escape(figure.title)}"><style>{_STYLE}</style>'
        f"<figcaption><b>{escape(figure.title)}</b><br><small>{keys}</small></figcaption>"
        f"{figure.draw(_WIDTH)}<p><small>{escape(figure.words)}</small></p></figure>"
    )


def _key(key: Key) -> str:
    sign = drawing(14, 14, (mark(7, 7, 90, key.series, hollow=key.hollow),))
    return f"{sign} {escape(key.words)}"
