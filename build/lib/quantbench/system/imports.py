"""Read what a source file imports and defines from its text, without importing anything."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

from quantbench.system.files import read_plain

_PACKAGE = "quantbench"
_ROOT = Path(__file__).parents[1]
_MAX_BYTES = 4 << 20
"""A source file that is read; no plug-in is near it."""


def libraries(path: Path) -> tuple[str, ...]:
    """List the modules of other projects that importing `path` imports, directly or by way of ours.

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


def defined(path: Path) -> set[str]:
    """List the names that a file's top level assigns, defines or imports by name.

    Raises SyntaxError, ValueError for a null byte, OSError.
    """
    names: set[str] = set()
    for statement in _parsed(path).body:
        match statement:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Assign(targets=targets):
                names.update(target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name), value=value) if value is not None:
                names.add(name)
            case ast.ImportFrom(names=aliases):
                names.update(alias.asname or alias.name for alias in aliases)
    return names


def constant(path: Path, name: str) -> object:
    """Return the constant that a file's top level gives `name`, or None. Raises as `defined`."""
    for statement in _parsed(path).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=target)], value=ast.Constant(value=value)) if (
                target == name
            ):
                return value
    return None


def returns_none(path: Path, name: str) -> bool:
    """Tell whether a file's function `name` only returns None. Raises as `defined` does."""
    for statement in _parsed(path).body:
        match statement:
            case ast.FunctionDef(
                name=function, body=[ast.Return(value=ast.Constant(value=None))]
            ) if function == name:
                return True
    return False


def origin(path: Path, name: str) -> tuple[str, str] | None:
    """Return the module, and the name there, that a file imports `name` from, or None."""
    for statement in _parsed(path).body:
        if isinstance(statement, ast.ImportFrom) and statement.module:
            for alias in statement.names:
                if (alias.asname or alias.name) == name:
                    return statement.module, alias.name
    return None


def file_of(module: str) -> Path | None:
    """Return the source file of an installed module, or None; no package is imported."""
    top, *rest = module.split(".")
    spec = _spec(top)
    if spec is None:
        return None
    if not rest:
        return _plain(Path(spec.origin)) if spec.origin else None
    for folder in spec.submodule_search_locations or ():
        if found := next(_existing(Path(folder).joinpath(*rest)), None):
            return found
    return None


def is_installed(module: str) -> bool:
    """Tell whether `module` can be found; no package on the way to it is imported."""
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
def _parsed(path: Path) -> ast.Module:
    """Raises SyntaxError, OSError; ValueError for a file that is too large to be code."""
    content = read_plain(path, _MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise ValueError(f"it is larger than {_MAX_BYTES >> 20} MiB")
    return ast.parse(content)


def _imports(path: Path) -> tuple[tuple[str, str | None], ...]:
    return tuple(_statements(_parsed(path).body))


def _plain(path: Path) -> Path | None:
    return path if path.suffix == ".py" and path.is_file() else None


def _statements(body: list[ast.stmt]) -> Iterator[tuple[str, str | None]]:
    for statement in body:
        if isinstance(statement, ast.Import):
            yield from ((alias.name, None) for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            yield from ((statement.module, alias.name) for alias in statement.names)
        elif isinstance(statement, ast.With):  # a library that prints as it is imported
            yield from _statements(statement.body)


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
