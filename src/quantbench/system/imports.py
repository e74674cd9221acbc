"""What a source file imports, read from its text: nothing is imported to find out."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

_PACKAGE = "quantbench"
_ROOT = Path(__file__).parents[1]


def libraries(path: Path) -> tuple[str, ...]:
    """Modules of other projects that importing `path` imports, directly or by way of ours.

    Imports inside functions and conditions don't count. Raises SyntaxError, OSError.
    """
    seen = {path}
    waiting, found = [path], dict[str, None]()
    while waiting:
        for module, name in _imports(waiting.pop(0)):
            top = module.partition(".")[0]
            if top == _PACKAGE:
                ours = [file for file in _files(module, name) if file not in seen]
                seen.update(ours)
                waiting += ours
            elif top not in sys.stdlib_module_names:
                found[module] = None
    return tuple(found)


def origin(path: Path, name: str) -> tuple[str, str] | None:
    """The module, and its name there, that a file's top level imports `name` from, or None."""
    for statement in ast.parse(path.read_bytes()).body:
        if isinstance(statement, ast.ImportFrom) and statement.module:
            for alias in statement.names:
                if (alias.asname or alias.name) == name:
                    return statement.module, alias.name
    return None


def is_installed(module: str) -> bool:
    """Whether `module` can be found; no package on the way to it is imported."""
    top, *rest = module.split(".")
    spec = _spec(top)
    if spec is None:
        return False
    name, folders = top, [Path(folder) for folder in spec.submodule_search_locations or ()]
    for part in rest:
        name = f"{name}.{part}"
        if sys.modules.get(name, spec) is None:  # set to be absent
            return False
        if not any(next(folder.glob(f"{part}.*"), None) for folder in folders):
            folders = [folder / part for folder in folders if (folder / part).is_dir()]
            if not folders:
                return False
    return True


def _spec(top: str) -> ModuleSpec | None:
    try:
        return find_spec(top)
    except ValueError:  # a module that was made by hand, without a spec
        return None


@cache
def _imports(path: Path) -> tuple[tuple[str, str | None], ...]:
    return tuple(_statements(ast.parse(path.read_bytes()).body))


def _statements(body: list[ast.stmt]) -> Iterator[tuple[str, str | None]]:
    for statement in body:
        if isinstance(statement, ast.Import):
            yield from ((alias.name, None) for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            yield from ((statement.module, alias.name) for alias in statement.names)


def _files(module: str, name: str | None) -> Iterator[Path]:
    """Our files that importing `module`, and `name` from it, runs."""
    place = _ROOT
    for part in module.split(".")[1:]:
        place /= part
        yield from _existing(place)
    if name:
        yield from _existing(place / name)


def _existing(place: Path) -> Iterator[Path]:
    yield from (
        path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()
    )
