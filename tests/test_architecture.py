"""The rule of the house: a room imports only from rooms below it, and nothing goes in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import quantbench

PACKAGE = Path(quantbench.__file__).parent
ROOMS = (
    "errors", "system", "numerics", "artifacts", "samples", "data", "models", "tasks", "training",
    "contracts", "plugin_offers", "plugins", "settings", "metrics", "c99", "export", "methods",
    "runtimes", "harness", "results", "explain", "studies", "report", "web", "api", "cli",
    "__init__", "__main__",
)  # fmt: skip
"""From the lowest to the highest; docs/architecture.md draws them."""


def modules() -> dict[str, Path]:
    """Dotted name below the package -> file."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
        found[name] = path
    return found


MODULES = modules()


def imported(path: Path, *, at_once: bool) -> Iterator[str]:
    """The modules of ours that a file imports; `at_once`: only those that its own import needs."""
    for node in statements(ast.parse(path.read_bytes()), at_once=at_once):
        match node:
            case ast.ImportFrom(module=str(module), names=names, level=0):
                base = module.removeprefix("quantbench").lstrip(".")
                if module.split(".")[0] == "quantbench":
                    for alias in names:
                        full = f"{base}.{alias.name}".lstrip(".")
                        yield full if full in MODULES else base or "__init__"
            case ast.Import(names=names):
                yield from (
                    alias.name.removeprefix("quantbench.")
                    for alias in names
                    if alias.name.startswith("quantbench.")
                )


def statements(node: ast.AST, *, at_once: bool) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if at_once and isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if at_once and isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from statements(child, at_once=at_once)


def room(module: str) -> str:
    return module.split(".")[0]


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_file_imports_only_from_its_room_and_those_below(module: str) -> None:
    floor = ROOMS.index(room(module))
    above = [
        other
        for other in imported(MODULES[module], at_once=False)
        if ROOMS.index(room(other)) > floor
    ]
    assert above == []


def test_no_import_goes_in_a_circle() -> None:
    graph = {
        module: set(imported(path, at_once=True)) - {module} for module, path in MODULES.items()
    }
    tuple(TopologicalSorter(graph).static_order())  # raises CycleError


def test_every_room_has_its_place() -> None:
    assert {room(module) for module in MODULES} <= set(ROOMS)
