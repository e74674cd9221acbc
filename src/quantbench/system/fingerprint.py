"""The code that a stored step depends on: what its modules import, found by reading them.

Nothing is imported and no list is kept by hand. From each module the imports are followed within
quantbench, to its packages' `__init__.py` too, and every file that is met is hashed. Other
libraries are known by their versions.

Imports inside functions count: they run when the function does. Those under `if TYPE_CHECKING:`
don't: they never run, and would tie every step to modules that only name a type. A dotted name
in a string (`python -m quantbench.harness.worker`) counts as an import, and
`resources.files("quantbench.c99") / "kernels"` as every data file below that folder, and
"quantbench.c99.ops.*" as every module of that package. A plug-in that is chosen by name is not
found so: whoever stores a step names it.

Call it from one thread: in Python 3.11, `ast.parse` in two of them raises SystemError.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).parents[1]
_DIGITS = 16


def fingerprint(*code: str | Path, package: Path = _PACKAGE) -> dict[str, str]:
    """File, relative to the package, -> the start of its SHA-256, of all that `code` imports.

    `code` are dotted names, or files as plug-ins have them, themselves included in the answer; a
    plug-in from outside the package stands there by its file's name. Each file is read once in a
    process: it goes on with the code that it has, whatever is written meanwhile. Raises ValueError
    for a module that isn't there.
    """
    waiting = [file for part in code for file in _begin(part, package)]
    reached: set[Path] = set()
    while waiting:
        file = waiting.pop()
        if file not in reached:
            reached.add(file)
            waiting += _referred_to(file, package) - reached
    return {_shown(file, package): _sha256(file) for file in sorted(reached)}


def _begin(part: str | Path, package: Path) -> list[Path]:
    """The file of a module or plug-in, and those of the packages around it."""
    if isinstance(part, Path):
        if not part.is_relative_to(package):
            return [part]
        part = ".".join((package.name, *part.relative_to(package).with_suffix("").parts))
    if _resolved(part, package) is None:
        raise ValueError(f"there is no module {part}")
    return _files_of(part, package)


def _shown(file: Path, package: Path) -> str:
    return str(file.relative_to(package)) if file.is_relative_to(package) else file.name


@cache
def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:_DIGITS]


@cache
def _referred_to(file: Path, package: Path) -> frozenset[Path]:
    """The files of quantbench that one of its files imports or reads."""
    if file.suffix != ".py":
        return frozenset()
    nodes = list(_that_run(ast.parse(file.read_bytes())))
    modules = {path for node in nodes for name in _names(node, file, package)
               for path in _files_of(name, package)}  # fmt: skip
    return frozenset(modules | {path for node in nodes for path in _data(node, package)})


def _that_run(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all below it, but for what only a type checker sees."""
    yield node
    match node:
        case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
            below: list[ast.AST] = [*node.orelse]
        case _:
            below = [*ast.iter_child_nodes(node)]
    for child in below:
        yield from _that_run(child)


def _names(node: ast.AST, file: Path, package: Path) -> Iterator[str]:
    """The dotted names that a node imports; those that are no modules are passed over later."""
    match node:
        case ast.Import(names=names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module=module, names=names, level=level):
            base = ".".join(part for part in (_relative_to(file, level, package), module) if part)
            yield base
            yield from (f"{base}.{alias.name}" for alias in names)
        case ast.Constant(value=str(text)) if text.startswith(f"{package.name}."):
            yield text


def _relative_to(file: Path, level: int, package: Path) -> str:
    """The package that `level` dots lead to from a file; nothing for an absolute import."""
    if level == 0 or not file.is_relative_to(package):
        return ""
    folder = file.parents[level - 1].relative_to(package.parent)
    return ".".join(folder.parts)


def _files_of(name: str, package: Path) -> list[Path]:
    """A module's file and those of the packages around it; none for what isn't ours."""
    if name.endswith(".*"):
        home = _resolved(name.removesuffix(".*"), package)
        return sorted(home.parent.glob("*.py")) if home else []
    parts = name.split(".")
    prefixes = (".".join(parts[: end + 1]) for end in range(len(parts)))
    return [file for prefix in prefixes if (file := _resolved(prefix, package)) is not None]


@cache
def _resolved(name: str, package: Path) -> Path | None:
    top, *parts = name.split(".")
    if top != package.name or not all(part.isidentifier() for part in parts):
        return None
    path = package.joinpath(*parts)
    choices = (path / "__init__.py", path.with_suffix(".py"))
    return next((choice for choice in choices if choice.is_file()), None)


def _data(node: ast.AST, package: Path) -> Iterator[Path]:
    """The data files below `files(PACKAGE) / FOLDER`."""
    match node:
        case ast.BinOp(
            left=ast.Call(
                func=ast.Name(id="files") | ast.Attribute(attr="files"),
                args=[ast.Constant(value=str(name))],
            ),
            op=ast.Div(),
            right=ast.Constant(value=str(folder)),
        ) if (home := _resolved(name, package)) is not None:
            for path in sorted((home.parent / folder).rglob("*")):
                if path.is_file() and path.suffix not in (".py", ".pyc"):
                    yield path
