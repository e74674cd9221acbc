"""The page of `quantbench recommend`."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from quantbench.report.selection import Told
from quantbench.report.terminal.grid import listed
from quantbench.report.terminal.wrapped import Wrapped

_INDENT = "  "


def selection_page(words: Told) -> RenderableType:
    """The answer first; each part fits the terminal's width.

    The commands aren't in it: they are printed as they are, for a wrapped one can't be copied.
    """
    return Group(*_parts(words))


def _parts(words: Told) -> Iterator[RenderableType]:
    yield Wrapped(words.asked)
    yield Wrapped(words.answer, bold=words.answer.find(" ") + 1)
    yield from (Wrapped(remark, _INDENT) for remark in words.remarks)
    for title, pairs in words.lists:
        if pairs:
            yield Text()
            yield from listed(title, pairs)
