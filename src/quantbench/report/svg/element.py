"""Elements of SVG and HTML: text and attributes are escaped."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup, escape

FONT = 12.0
"""Pixels of a chart's text."""
_FULL = 0x2E80
"""The first of the letters that are as wide as they are tall."""
_WIDE, _NARROW = frozenset("mwMW@%µ—"), frozenset("ijltfr.,:;|!'()[] ")


def element(name: str, /, *children: str, **attributes: str | float | None) -> Markup:
    """An element with its children; `class_` is class, other underscores are hyphens.

    Attributes that are None are left out, and numbers are written with at most two decimals.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_value(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inside = "".join(map(escape, children))
    # Everything that goes into the text was escaped above.
    return Markup(f"<{name}{written}>{inside}</{name}>" if inside else f"<{name}{written}/>")  # noqa: S704


def text(x: float, y: float, words: str, anchor: str = "start", class_: str = "") -> Markup:
    """Text whose baseline is at y; `anchor` is start, middle or end."""
    return element(
        "text",
        words,
        x=x,
        y=y,
        text_anchor=None if anchor == "start" else anchor,
        class_=class_ or None,
    )


def group(children: Iterable[str], class_: str = "") -> Markup:
    """A group of elements."""
    return element("g", *children, class_=class_ or None)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """A straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def path(points: Iterable[tuple[float, float]], class_: str) -> Markup:
    """A line through points."""
    steps = " ".join(f"{_value(x)},{_value(y)}" for x, y in points)
    return element("polyline", points=steps, class_=class_)


def drawing(width: float, height: float, children: Iterable[str]) -> Markup:
    """An SVG of that size in pixels, without a name of its own: the figure around it has one."""
    return element(
        "svg",
        *children,
        viewBox=f"0 0 {_value(width)} {_value(height)}",
        width=width,
        height=height,
        aria_hidden="true",
        focusable="false",
    )


def text_width(words: str, size: float = FONT) -> float:
    """Pixels that a text takes at most in the usual sans-serif fonts."""
    return size * sum(map(_ems, words))


def shortened(words: str, width: float, *, middle: bool = False) -> str:
    """The text, its end replaced by an ellipsis where it takes more than `width` pixels.

    `middle`: its middle is, for names that differ at both ends.
    """
    if text_width(words) <= width:
        return words
    for kept in range(len(words) - 1, 0, -1):
        tail = kept // 3 if middle else 0
        text = f"{words[: kept - tail]}…{words[len(words) - tail :]}"
        if text_width(text) <= width:
            return text
    return "…"


def _ems(letter: str) -> float:
    """The width of a letter in ems; those of East Asia are as wide as they are tall."""
    if ord(letter) >= _FULL:
        return 1.0
    return 0.92 if letter in _WIDE else 0.36 if letter in _NARROW else 0.6


def _value(value: str | float) -> str:
    if isinstance(value, str):
        return value
    return f"{value:.2f}".rstrip("0").rstrip(".")
