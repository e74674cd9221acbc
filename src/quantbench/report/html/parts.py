"""The records that a page is made of: sections of words, commands, tables and figures.

None of them is HTML yet: the templates write them, and escape every text on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from markupsafe import Markup

from quantbench.explain.records import Explanation
from quantbench.report.scores import number
from quantbench.report.svg.marks import Series, nth_series
from quantbench.report.words import NONE
from quantbench.results.records import Results

Value: TypeAlias = str | float | int | None
Draw: TypeAlias = Callable[[float], Markup]
"""Draws a chart of so many pixels in width."""

_EXACT = 1e9
"""A whole number below it is shown with all its digits."""
WIDE, NARROW = 900.0, 352.0
"""Pixels of a chart on a screen, and on a phone."""


@dataclass(frozen=True)
class Embedded:
    """A network that runs in the page: WebAssembly, and what its ends mean."""

    row: str
    wasm: str
    """The module, in base64."""
    description: dict[str, object]
    """Shapes, scales, addresses and preprocessing, as the page's script reads them."""
    words: str = ""
    """How a picture is prepared, for a network of images; empty for one of drawn digits."""


@dataclass(frozen=True)
class Report:
    """One study as the page shows it."""

    results: Results
    explanation: Explanation | None = None
    name: str = ""
    """A text that tells it from the others of a page; empty for one alone."""
    embedded: Embedded | str = ""
    """The network, or the reason why it isn't in the page; empty: it wasn't asked for."""


@dataclass(frozen=True)
class Cell:
    """A cell of a table: its text, the value to sort by and to export, and a second line."""

    text: str
    value: Value = None
    note: str = ""
    kind: Literal["", "good", "bad"] = ""


@dataclass(frozen=True)
class Column:
    """A column: its heading, that of the cells' second lines, and whether it holds numbers."""

    title: str
    note: str = ""
    numeric: bool = False


@dataclass(frozen=True)
class Table:
    """A table that can be sorted, copied as Markdown and saved as CSV.

    `name` becomes that of the CSV file; the first cell of a row is its heading.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    emphasized: frozenset[int] = frozenset()
    """The rows that stand out."""
    filtered: bool = False
    """It is long, so it has a field to search it by."""
    kind: str = "table"


@dataclass(frozen=True)
class Key:
    """An entry of a legend: a sign, and words."""

    words: str
    series: Series
    hollow: bool = False


@dataclass(frozen=True)
class Figure:
    """A chart: what it shows, what it tells in a sentence, and its numbers."""

    title: str
    words: str
    draw: Draw
    numbers: Table
    legend: tuple[Key, ...] = ()
    small: bool = False
    """One of several that stand side by side."""
    kind: str = "figure"


@dataclass(frozen=True)
class Words:
    """A paragraph; `command` is one that ends it."""

    text: str
    command: str = ""
    kind: str = "words"


@dataclass(frozen=True)
class Command:
    """A command to type, with a sentence on what it does."""

    text: str
    words: str = ""
    kind: str = "command"


@dataclass(frozen=True)
class Heading:
    """A heading within a section."""

    text: str
    kind: str = "heading"


@dataclass(frozen=True)
class Cause:
    """A finding."""

    weight: str
    sentence: str
    evidence: tuple[str, ...]
    remedy: str
    rows: str
    kind: str = "cause"


@dataclass(frozen=True)
class Pairs:
    """Names with what is to be said of each."""

    pairs: tuple[tuple[str, str], ...]
    kind: str = "pairs"


@dataclass(frozen=True)
class Trial:
    """The network to try in the page."""

    embedded: Embedded
    kind: str = "trial"


@dataclass(frozen=True)
class Picture:
    """A small picture, a PNG in base64, and the lines below it."""

    png: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Gallery:
    """Small pictures side by side, with what they have in common."""

    title: str
    pictures: tuple[Picture, ...]
    kind: str = "gallery"


Part: TypeAlias = Table | Figure | Words | Command | Heading | Cause | Pairs | Trial | Gallery


@dataclass(frozen=True)
class Section:
    """A section of the page; `key` is its anchor."""

    key: str
    title: str
    parts: tuple[Part, ...]


def numbers(
    name: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Value]],
    caption: str = "",
    *,
    filtered: bool = False,
) -> Table:
    """A table of plain values; without a caption it takes the title of its figure."""
    values = [tuple(row) for row in rows]
    numeric = [
        any(isinstance(row[place], int | float) for row in values) for place in range(len(columns))
    ]
    return Table(
        name,
        caption,
        tuple(
            Column(title, numeric=is_number)
            for title, is_number in zip(columns, numeric, strict=True)
        ),
        tuple(tuple(plain(value) for value in row) for row in values),
        filtered=filtered,
    )


def plain(value: Value) -> Cell:
    """A cell of one value; of a float four digits are shown, and all are exported."""
    if value is None:
        return Cell(NONE, "")
    if isinstance(value, str):
        return Cell(value, value)
    whole = isinstance(value, int) or (value.is_integer() and abs(value) < _EXACT)
    text = f"{value:,.0f}" if whole else number(value, 4)
    return Cell(text.replace("-", "−", 1) if value < 0 else text, value)


def keyed(names: Sequence[str]) -> dict[str, Series]:
    """A series for each different name, in their order."""
    return {name: nth_series(place) for place, name in enumerate(dict.fromkeys(names))}


def legend(series: dict[str, Series]) -> tuple[Key, ...]:
    """The legend of named series."""
    return tuple(Key(name, each) for name, each in series.items())
