"""The report of a study, or of several, as one HTML file that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from quantbench.explain.records import Explanation
from quantbench.report.html import side
from quantbench.report.html.environment import (
    FIELD_SCRIPTS,
    environment,
    policy,
    source_of,
    style_of,
)
from quantbench.report.html.front import front_of
from quantbench.report.html.parts import NARROW, WIDE, Embedded, Figure, Key, Part, Report
from quantbench.report.html.sections import SECTIONS
from quantbench.report.svg.element import drawing
from quantbench.report.svg.marks import mark
from quantbench.results.records import Results

_FRONT = 620.0
"""Pixels of the chart of the first screen."""


def report_html(
    results: Results, explanation: Explanation | None = None, embedded: Embedded | str = ""
) -> str:
    """The report of one study.

    `embedded` is the network to try in the page, or the reason why it isn't there.
    """
    return page_html((Report(results, explanation, embedded=embedded),))


def page_html(reports: Sequence[Report]) -> str:
    """The report of some studies, side by side where they are several; nothing is merged."""
    templates = environment(charts=_charts, sign=_sign, grouped=_grouped)
    style = style_of(templates)
    tried = any(isinstance(report.embedded, Embedded) for report in reports)
    scripts = [
        source_of(templates, name)
        for name in ("script.js", *((*FIELD_SCRIPTS, "picture.js", "trial.js") if tried else ()))
    ]
    several = len(reports) > 1
    studies = [
        {
            "name": report.name,
            "prefix": f"{number + 1}-" if several else "",
            "front": front_of(report),
            "sections": [made for make in SECTIONS if (made := make(report)) is not None],
        }
        for number, report in enumerate(reports)
    ]
    first = reports[0].results
    title = f"{first.model} on {first.data}" if not several else f"{len(reports)} studies"
    return templates.get_template("page.html").render(
        title=f"{title}: quantbench",
        policy=policy(scripts, style, runs_wasm=tried),
        style=Markup(style),  # noqa: S704 - the package's own file
        scripts=[Markup(script) for script in scripts],  # noqa: S704
        studies=studies,
        together=side.section(reports) if several else None,
    )


@dataclass(frozen=True)
class _Run:
    """Parts that follow one another and are laid out alike; `start` is the first one's place."""

    small: bool
    start: int
    parts: tuple[Part, ...]


def _grouped(parts: Sequence[Part]) -> tuple[_Run, ...]:
    """Parts in runs: small figures stand side by side."""
    numbered = groupby(enumerate(parts), lambda pair: isinstance(pair[1], Figure) and pair[1].small)
    runs = ((small, [*pairs]) for small, pairs in numbered)
    return tuple(
        _Run(small, pairs[0][0], tuple(part for _, part in pairs)) for small, pairs in runs
    )


def _charts(figure: Figure, first: bool) -> tuple[tuple[str, Markup], ...]:
    """The drawings of a figure for a screen and for a phone, each with its class.

    A small one fits both, so there is one of it.
    """
    if figure.small:
        return (("every", figure.draw(NARROW)),)
    return ("wide", figure.draw(_FRONT if first else WIDE)), ("narrow", figure.draw(NARROW))


def _sign(key: Key) -> Markup:
    """The sign of an entry of a legend."""
    drawn = mark(7, 7, 90, key.series, hollow=key.hollow)
    return drawing(14, 14, (drawn,))
