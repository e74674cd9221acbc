"""Text in lines of the terminal's width."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text


@dataclass(frozen=True)
class Wrapped:
    """Text in lines of the terminal's width, indented where it is a remark."""

    text: str
    indent: str = ""
    bold: int = 0
    """The number of characters at its beginning that stand out."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = textwrap.wrap(
            self.text,
            options.max_width,
            initial_indent=self.indent,
            subsequent_indent=self.indent,
            break_on_hyphens=False,
        )
        for place, line in enumerate(lines):
            text = Text(line)
            if place == 0 and self.bold:
                text.stylize("bold", 0, self.bold)
            yield text
