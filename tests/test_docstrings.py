"""Every public definition has a docstring that begins with a subject or a verb."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.test_architecture import PACKAGE, ROOMS

PLUGINS = ("data", "models", "metrics", "methods", "runtimes", "explain/findings", "c99/ops")
FOLDERS = (*PLUGINS, "c99/ops/elementwise", "c99/ops/shapes")
CONTRACT = frozenset(
    (
        "build",
        "compute",
        "find",
        "from_onnx",
        "load",
        "per_sample",
        "per_sample_against_float",
        "quantize",
        "refuses",
        "skeleton",
        "unavailable",
    )
)
"""Functions of a plug-in that contracts.py or c99/operators.py describes for all of them."""
FRAGMENTS = frozenset(
    ("Of", "As", "What", "Where", "Who", "Which", "That", "By", "For", "With", "From", "Without",
     "In", "To", "On", "At", "Its", "Their", "Because", "Under", "Behind", "After", "Before",
     "Beside", "Along", "Until", "Between", "Such"),
)  # fmt: skip
"""Words that begin a fragment: the reader would have to guess its subject."""


def files(room: str) -> list[Path]:
    """The source files of a room: a folder or one module."""
    module = PACKAGE / f"{room}.py"
    return [module] if module.is_file() else sorted((PACKAGE / room).rglob("*.py"))


@cache
def classes() -> dict[str, list[ast.ClassDef]]:
    """Name -> the classes of that name, for all of the package."""
    found: dict[str, list[ast.ClassDef]] = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, []).append(node)
    return found


def inherited(node: ast.ClassDef, method: str) -> bool:
    """Whether a base class within the package documents a method."""
    names = [ast.unparse(base).split("[")[0] for base in node.bases]
    for base in (base for name in names for base in classes().get(name, []) if base is not node):
        methods = {n.name: n for n in base.body if isinstance(n, ast.FunctionDef)}
        if method in methods and ast.get_docstring(methods[method]):
            return True
        if inherited(base, method):
            return True
    return False


def public(
    node: ast.Module | ast.ClassDef, name: str, known: frozenset[str] = frozenset()
) -> Iterator[tuple[str, str | None]]:
    """A module or class and the public definitions in it, each with its docstring.

    `known`: functions that are described elsewhere.
    """
    yield name, ast.get_docstring(node)
    for child in node.body:
        match child:
            case ast.ClassDef(name=inner) if not inner.startswith("_"):
                yield from public(child, f"{name}.{inner}")
            case ast.FunctionDef(name=inner) if not inner.startswith("_"):
                text = ast.get_docstring(child)
                described = inner in known or (
                    isinstance(node, ast.ClassDef) and inherited(node, inner)
                )
                if text or not described:
                    yield f"{name}.{inner}", text


def docstrings(room: str) -> dict[str, str | None]:
    """Dotted name -> docstring of every public definition of a room."""
    found: dict[str, str | None] = {}
    for path in files(room):
        place = path.relative_to(PACKAGE)
        known = CONTRACT if place.parent.as_posix() in FOLDERS else frozenset()
        found |= public(ast.parse(path.read_bytes()), place.with_suffix("").as_posix(), known)
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_definition_has_a_docstring(room: str) -> None:
    texts = docstrings(room)
    assert texts
    assert [name for name, text in texts.items() if not text] == []


@pytest.mark.parametrize("room", ROOMS)
def test_no_docstring_begins_with_a_fragment(room: str) -> None:
    first = {name: text.split()[0].strip(":,.;") for name, text in docstrings(room).items() if text}
    assert [name for name, word in first.items() if word in FRAGMENTS] == []


def test_a_fragment_and_a_missing_docstring_are_found() -> None:
    source = 'class A:\n    """Of B."""\n    def f(self): ...\n    def _g(self): ...\n'
    assert dict(public(ast.parse(source), "m")) == {"m": None, "m.A": "Of B.", "m.A.f": None}
