"""The templates of pages, their style and scripts, and the policy that allows those alone."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence

from jinja2 import BaseLoader, ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from quantbench.report.html.palette import DARK, LIGHT, theme
from quantbench.report.svg.heat import LEVELS
from quantbench.report.svg.marks import COLOURS

FIELD_SCRIPTS = ("digit.js", "field.js")
"""The scripts of a field to draw digits on, in their order."""


def environment(*more: BaseLoader, **functions: object) -> Environment:
    """The templates of the report, and of `more`: every value is escaped, a missing name fails.

    `functions`: what the templates call, by name.
    """
    templates = Environment(
        loader=ChoiceLoader([PackageLoader("quantbench.report.html", "templates"), *more]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.globals.update(data=_data, **functions)
    return templates


def source_of(templates: Environment, name: str) -> str:
    """The text of a template as it stands in its file: a script's."""
    assert templates.loader is not None
    return templates.loader.get_source(templates, name)[0]


def style_of(templates: Environment) -> str:
    """The style sheet, in the colours of both themes."""
    colours = {"light": theme(LIGHT), "dark": theme(DARK), "series": COLOURS, "levels": LEVELS}
    return templates.get_template("style.css").render(colours)


def policy(
    scripts: Sequence[str], style: str, *, runs_wasm: bool = False, asks_server: bool = False
) -> str:
    """The content security policy of a page: its own scripts and style by hash, and nothing else.

    WebAssembly may be compiled where a network is in the page, and the server that gave the page
    may be asked where one did.
    """
    allowed = " ".join(f"'{_digest(script)}'" for script in scripts)
    wasm = " 'wasm-unsafe-eval'" if runs_wasm else ""
    connect = "connect-src 'self'; " if asks_server else ""
    return (
        f"default-src 'none'; {connect}script-src {allowed}{wasm}; "
        f"style-src '{_digest(style)}'; img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _data(value: object) -> Markup:
    """JSON for a script element: no text in it ends the element or begins another."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False)
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return Markup(text)  # noqa: S704 - what could be markup was replaced
