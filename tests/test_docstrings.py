"""Every public definition has a docstring that a reader can start from."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import quantbench
from tests.test_architecture import ROOMS

PACKAGE = Path(quantbench.__file__).parent
NOT_YET = (
    "numerics", "artifacts", "contracts", "plugins", "settings", "c99", "export", "methods",
    "runtimes", "explain", "web", "cli", "__init__", "__main__",
)  # fmt: skip
"""Rooms whose docstrings are still to be written."""
NOT_YET_FILES = (
    "harness/pool.py", "harness/trial.py", "report/terminal/numerics.py", "study/pipeline.py",
    "study/quantize.py", "system/imports.py",
)  # fmt: skip
"""Files of the other rooms whose docstrings are still to be written."""
FRAGMENTS = frozenset(
    ("Of", "As", "What", "Where", "Who", "Which", "That", "By", "For", "With", "From", "Without",
     "In", "To", "On", "At", "Its", "Their", "Because", "Under", "Behind", "After", "Before",
     "Beside", "Along", "Until", "Between", "Such"),
)  # fmt: skip
"""Words that begin a fragment: the reader would have to guess its subject."""

DONE = tuple(room for room in ROOMS if room not in NOT_YET)


def files(room: str) -> list[Path]:
    """The source files of a room: a folder or one module."""
    module = PACKAGE / f"{room}.py"
    paths = [module] if module.is_file() else sorted((PACKAGE / room).rglob("*.py"))
    return [path for path in paths if str(path.relative_to(PACKAGE)) not in NOT_YET_FILES]


def public(node: ast.Module | ast.ClassDef, name: str) -> Iterator[tuple[str, str | None]]:
    """A module or class and the public definitions in it, each with its docstring."""
    yield name, ast.get_docstring(node)
    for child in node.body:
        match child:
            case ast.ClassDef(name=inner) if not inner.startswith("_"):
                yield from public(child, f"{name}.{inner}")
            case ast.FunctionDef(name=inner) if not inner.startswith("_"):
                yield f"{name}.{inner}", ast.get_docstring(child)


def docstrings(room: str) -> dict[str, str | None]:
    """Dotted name -> docstring of every public definition of a room."""
    return {
        name: text
        for path in files(room)
        for name, text in public(
            ast.parse(path.read_bytes()), str(path.relative_to(PACKAGE).with_suffix(""))
        )
    }


@pytest.mark.parametrize("room", DONE)
def test_every_public_definition_has_a_docstring(room: str) -> None:
    texts = docstrings(room)
    assert texts
    assert [name for name, text in texts.items() if not text] == []


@pytest.mark.parametrize("room", DONE)
def test_no_docstring_begins_with_a_fragment(room: str) -> None:
    first = {name: text.split()[0].strip(":,.;") for name, text in docstrings(room).items() if text}
    assert [name for name, word in first.items() if word in FRAGMENTS] == []


def test_what_is_left_out_is_there() -> None:
    assert set(NOT_YET) <= set(ROOMS)
    assert all((PACKAGE / file).is_file() for file in NOT_YET_FILES)


def test_a_fragment_and_a_missing_docstring_are_found() -> None:
    source = 'class A:\n    """Of B."""\n    def f(self): ...\n    def _g(self): ...\n'
    assert dict(public(ast.parse(source), "m")) == {"m": None, "m.A": "Of B.", "m.A.f": None}
