"""The plug-ins that this package and other distributions offer, and what each kind has to define.

Nothing is imported to find them.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from quantbench.contracts import OR_ELSE, REQUIRED
from quantbench.errors import UsageError
from quantbench.system import imports

KINDS = {
    "data": "data set",
    "models": "model",
    "methods": "method",
    "runtimes": "runtime",
    "metrics": "metric",
    "findings": "finding",
}
_FOLDERS = {"findings": "explain/findings"}
"""Kind -> its folder in this package, where the two differ."""
_ROOT = Path(__file__).parent


@dataclass(frozen=True)
class Refused:
    """A plug-in of another distribution that isn't offered, and why."""

    folder: str
    name: str
    reason: str


@dataclass(frozen=True)
class Source:
    """The file that a plug-in is imported from."""

    file: Path
    module: str
    """The dotted name that it is imported by."""
    importable: bool
    """Whether Python's import system finds it by that name."""


def refused() -> tuple[Refused, ...]:
    """The entry points that offer nothing, each with the reason."""
    return tuple(
        Refused(folder, point.name, reason)
        for folder, point in _points()
        if (reason := _why_refused(folder, point))
    )


def built_in(folder: str) -> dict[str, Source]:
    """The plug-ins of a kind in this package, by name."""
    place = _FOLDERS.get(folder, folder)
    package = f"quantbench.{place.replace('/', '.')}"
    return {
        path.stem: Source(path, f"{package}.{path.stem}", importable=True)
        for path in (_ROOT / place).glob("*.py")
        if not path.stem.startswith("_")
    }


@cache
def _points() -> tuple[tuple[str, EntryPoint], ...]:
    """The entry points of all distributions, by folder."""
    return tuple(
        (folder, point) for folder in KINDS for point in entry_points(group=f"quantbench.{folder}")
    )


def _why_refused(folder: str, point: EntryPoint) -> str | None:
    owner = f"offered by {point.dist.name}" if point.dist else "offered by an entry point"
    if not point.name.isidentifier() or point.name.startswith("_"):
        return f"{owner}, but its name is no identifier"
    if point.name in built_in(folder):
        return f"{owner}, but the name is quantbench's own"
    if [(kind, other.name) for kind, other in _points()].count((folder, point.name)) > 1:
        return f"{owner}, but another distribution offers the same name"
    if point.attr or imports.file_of(point.module) is None:
        return f"{owner}, but '{point.value}' is not a module that is there"
    return None


@cache
def offered() -> dict[tuple[str, str], Source]:
    """Folder and name -> the module that another distribution offers by it."""
    return {
        (folder, point.name): Source(file, point.module, importable=True)
        for folder, point in _points()
        if not _why_refused(folder, point) and (file := imports.file_of(point.module))
    }


def kind_of(path: Path) -> str:
    """The folder of the one kind of plug-in whose names `path` defines. Raises UsageError."""
    if path.suffix != ".py" or not path.stem.isidentifier() or path.stem.startswith("_"):
        raise UsageError(f"{path} is no plug-in: its name has to be like my_method.py")
    try:
        defined = imports.defined(path)
    except OSError as error:
        raise UsageError(f"plug-in {path}: {error.strerror or error}") from error
    except (SyntaxError, ValueError) as error:
        raise UsageError(f"plug-in {path} is no Python: {error}") from error
    kinds = [folder for folder in REQUIRED if not lacking(folder, defined)]
    if len(kinds) != 1:
        needs = "; ".join(f"a {KINDS[kind]} {_needs(kind)}" for kind in KINDS)
        raise UsageError(f"{path} has to define what one kind of plug-in needs: {needs}")
    return kinds[0]


def lacking(folder: str, defined: Set[str]) -> frozenset[str]:
    """The names that a plug-in of a kind lacks, where it has none of the sets that are needed."""
    instead = OR_ELSE.get(folder)
    return frozenset() if instead and instead <= defined else REQUIRED[folder] - defined


def _needs(folder: str) -> str:
    sets = (REQUIRED[folder], *((OR_ELSE[folder],) if folder in OR_ELSE else ()))
    return " or ".join(", ".join(sorted(names)) for names in sets)
