"""The page that `quantbench serve` gives: one file, like the report."""

from __future__ import annotations

from collections.abc import Sequence

from jinja2 import PackageLoader
from markupsafe import Markup

from quantbench.report.html.environment import (
    FIELD_SCRIPTS,
    environment,
    policy,
    source_of,
    style_of,
)
from quantbench.web.checks import MAX_BYTES, NUMBER, PAGE, TYPES


def serve_html(
    title: str, rows: Sequence[str], classes: Sequence[str], insides: Sequence[str]
) -> str:
    """The page of a study, by its title and the names of its rows.

    `insides`: the rows whose integers are shown layer by layer.
    """
    templates = environment(PackageLoader("quantbench.web", "templates"))
    style = style_of(templates) + source_of(templates, "serve.css")
    names = ("script.js", *FIELD_SCRIPTS, "serve.js")
    scripts = [source_of(templates, name) for name in names]
    described = {
        "classes": [*classes],
        "page": PAGE,
        "number": NUMBER,
        "types": [*TYPES],
        "largest": MAX_BYTES,
    }
    return templates.get_template("serve.html").render(
        title=title,
        rows=rows,
        insides=insides,
        described=described,
        policy=policy(scripts, style, asks_server=True),
        style=Markup(style),  # noqa: S704 - the package's own file
        scripts=[Markup(script) for script in scripts],  # noqa: S704
    )
