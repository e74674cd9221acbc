"""Write to the terminal: foreign text is never markup, and its control characters never act."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Iterable
from typing import IO

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

UNSEEN = "?"
_OBEYED = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode's categories of controls, invisible formats (bidi overrides), lone surrogates, breaks."""
_BREAK = re.compile(r"\s*[\r\n]+\s*")
_JOINERS = "\u200c\u200d"  # invisible formats too, but Persian, Indic and emoji names need them
_PLAIN = str.maketrans({"×": "x", "µ": "u", "–": "-", "−": "-", "…": ".", "↓": "v",
                        "‘": "'", "’": "'", "“": '"', "”": '"'})  # fmt: skip
"""The characters that this program writes, each with one ASCII character, so that columns stay."""


def harmless(text: str) -> str:
    """Replace control characters in untrusted text, which a terminal obeys, by "?"."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(UNSEEN if _is_obeyed(letter) else letter for letter in text)


def one_line(text: str) -> str:
    """Make untrusted text one harmless line: each line break becomes a space."""
    return harmless(_BREAK.sub(" ", text.strip("\r\n")))


def encodable(text: str, encoding: str) -> str:
    """Replace characters that `encoding` lacks by their like in ASCII, else by "?"."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return "".join(_encodable(letter, encoding) for letter in text)
    return text


class Terminal(Console):
    """A rich console without markup: each segment is made harmless and fit to be encoded."""

    def __init__(
        self,
        *,
        stderr: bool = False,
        file: IO[str] | None = None,
        force_interactive: bool | None = None,
    ) -> None:
        super().__init__(
            stderr=stderr,
            file=file,
            force_interactive=force_interactive,
            markup=False,
            emoji=False,
            highlight=False,
        )

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render as rich does, then clean the text of every segment but rich's own controls."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(self._shown(segment.text), segment.style)

    def say(self, text: str) -> None:
        """Print one line, however long it is."""
        self.print(Text(one_line(text)), soft_wrap=True)

    def _shown(self, text: str) -> str:
        return encodable("\n".join(map(harmless, text.split("\n"))), self.encoding)


def as_text(renderable: RenderableType, width: int) -> str:
    """Render as a terminal of `width` columns shows it, as plain text."""
    buffer = io.StringIO()
    terminal = Terminal(file=buffer)
    terminal.width = width
    terminal.print(renderable)
    return buffer.getvalue()


def _is_obeyed(letter: str) -> bool:
    return unicodedata.category(letter) in _OBEYED and letter not in _JOINERS


def _encodable(letter: str, encoding: str) -> str:
    for candidate in (letter, letter.translate(_PLAIN)):
        try:
            candidate.encode(encoding)
        except UnicodeEncodeError:
            continue
        return candidate
    return UNSEEN * cell_len(letter)
