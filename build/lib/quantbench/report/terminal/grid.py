"""The style of tables and lists, the same everywhere."""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from quantbench.system.terminal import harmless, one_line


def titled(title: str, *, narrow: bool = False) -> Table:
    """A table without columns yet; they stand two spaces apart, or one if `narrow`."""
    return Table(
        title=Text(title, style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 0 if narrow else 1, 0, 0),
    )


def listed(title: str, pairs: Iterable[tuple[str, str]]) -> tuple[RenderableType, ...]:
    """A titled list of names with a sentence each, whose lines wrap; nothing for no pairs."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(overflow="fold")
    grid.add_column(overflow="fold")
    for name, words in pairs:
        grid.add_row(Text(f"  {harmless(name)}"), Text(one_line(words)))
    return (Text(title, style="bold"), grid) if grid.row_count else ()
