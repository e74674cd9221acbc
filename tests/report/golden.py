"""Text that must not change unseen. UPDATE_GOLDEN=1 writes it anew, to be read before a commit."""

from __future__ import annotations

import os
from pathlib import Path

from rich.console import Console, RenderableType

FOLDER = Path(__file__).parents[1] / "golden"


def rendered(renderable: RenderableType, width: int) -> str:
    """As a file gets it: no control characters, no space at the ends of lines."""
    console = Console(width=width, force_terminal=False, color_system=None)
    with console.capture() as capture:
        console.print(renderable)
    return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())


def check(name: str, text: str) -> None:
    path = FOLDER / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
