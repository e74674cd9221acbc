"""The rooms of the compiler: a file imports from rooms below its own."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from quantbench import c99

ROOT = Path(c99.__path__[0])
ORDER = (
    "target",
    "ir",
    "emit",
    "nodes",
    "passes",
    "frontend",
    "simd",
    "speed",
    "ops",
    "check",
    "build",
    "verify",
)
"""From the bottom. What stands beside the folders is above all of them."""


def imported_rooms(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    names = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    parts = [name.split(".") for name in names if name.startswith("quantbench.c99.")]
    return {part[2] for part in parts if part[2] in ORDER}


@pytest.mark.parametrize("room", ORDER)
def test_imports_go_down(room: str) -> None:
    below = {*ORDER[: ORDER.index(room) + 1]}
    for path in (ROOT / room).rglob("*.py"):
        assert imported_rooms(path) <= below, path.name


def test_every_folder_is_a_room() -> None:
    folders = {path.parent.name for path in ROOT.glob("*/*.py")}
    assert folders == {*ORDER}
