"""The report of a study, or of several, as one HTML file that needs nothing beside it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from quantbench.explain.records import Explanation
from quantbench.report.html import side
from quantbench.report.html.front import front_of
from quantbench.report.html.palette import DARK, LIGHT, theme
from quantbench.report.html.parts import NARROW, WIDE, Embedded, Figure, Key, Part, Report
from quantbench.report.html.sections import SECTIONS
from quantbench.report.svg.element import drawing
from quantbench.report.svg.heat import LEVELS
from quantbench.report.svg.marks import COLOURS, mark
from quantbench.results.records import Results

_LOADER = PackageLoader("quantbench.report.html", "templates")
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
    environment = _environment()
    colours = {"light": theme(LIGHT), "dark": theme(DARK), "series": COLOURS, "levels": LEVELS}
    style = environment.get_template("style.css").render(colours)
    tried = any(isinstance(report.embedded, Embedded) for report in reports)
    scripts = [
        _LOADER.get_source(environment, name)[0]
        for name in ("script.js", *(("digit.js", "trial.js") if tried else ()))
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
    return environment.get_template("page.html").render(
        title=f"{title}: quantbench",
        policy=_policy(scripts, style, runs_wasm=tried),
        style=Markup(style),  # noqa: S704 - the package's own file
        scripts=[Markup(script) for script in scripts],  # noqa: S704
        studies=studies,
        together=side.section(reports) if several else None,
    )


def _environment() -> Environment:
    """The templates: every value is escaped, and a name that isn't there is an error."""
    environment = Environment(
        loader=_LOADER,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(charts=_charts, sign=_sign, data=_data, grouped=_grouped)
    return environment


def _policy(scripts: Sequence[str], style: str, *, runs_wasm: bool) -> str:
    """The page's content security policy: its own scripts and style by hash, and nothing else.

    WebAssembly may be compiled where a network is in the page.
    """
    allowed = " ".join(f"'{_digest(script)}'" for script in scripts)
    wasm = " 'wasm-unsafe-eval'" if runs_wasm else ""
    return (
        f"default-src 'none'; script-src {allowed}{wasm}; "
        f"style-src '{_digest(style)}'; img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


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


def _data(value: object) -> Markup:
    """JSON for a script element: no text in it ends the element or begins another."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False)
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return Markup(text)  # noqa: S704 - what could be markup was replaced
