"""Hash the code that a stored step depends on: the modules that its modules import.

Imports are read from the source: nothing is imported and no list is kept by hand. From each
module they are followed within quantbench, to its packages' `__init__.py` too, and every file on
the way is hashed. Other libraries are known by their versions.

Imports inside functions count: they run when the function does. Those under `if TYPE_CHECKING:`
don't: they never run, and would tie a step to modules that only name a type. A dotted name
in a string (`python -m quantbench.harness.worker`) counts as an import, and
`resources.files("quantbench.c99") / "kernels"` as every data file below that folder, and
"quantbench.c99.ops.*" as every module of that package. A plug-in that is chosen by name isn't
found this way: the caller names it in `code`.

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
    """Hash `code` and all that it imports: file, relative to the package -> start of its SHA-256.

    `code` are dotted names of modules, or files of plug-ins; one from outside the package is named
    `outside/`, its own package's folders and its file's name, and what it imports of its own
    package is followed as well. Each file is read once in a process, which goes on running the
    code that it has loaded, whatever is written meanwhile. Raises ValueError for a module that
    isn't there.
    """
    waiting = [file for part in code for file in _begin(part, package)]
    reached: set[Path] = set()
    while waiting:
        file = waiting.pop()
        if file not in reached:
            reached.add(file)
            waiting += _referred_to(file, package) - reached
    return {_shown(file, package): _sha256(file) for file in sorted(reached)}


@cache
def whole_package(package: Path = _PACKAGE) -> str:
    """The SHA-256 of all of a package's files, for a step that has no time to follow imports."""
    files = sorted(f for f in package.rglob("*") if f.is_file() and f.suffix != ".pyc")
    lines = (f"{file.relative_to(package).as_posix()} {_sha256(file)}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _begin(part: str | Path, package: Path) -> list[Path]:
    """The file of a module or plug-in, and the `__init__.py` of each package around it."""
    if isinstance(part, Path):
        home = package if part.is_relative_to(package) else _home(part)
        if home is None:
            return [part]
        part = ".".join((home.name, *part.relative_to(home).with_suffix("").parts))
        package = home
    if _resolved(part, package) is None:
        raise ValueError(f"there is no module {part}")
    return _files_of(part, package)


def _shown(file: Path, package: Path) -> str:
    """Never the place of a file outside the package, which may differ where the code doesn't."""
    if file.is_relative_to(package):
        return str(file.relative_to(package))
    home = _home(file)
    return f"outside/{file.relative_to(home.parent) if home else file.name}:{_sha256(file)}"


@cache
def _home(file: Path) -> Path | None:
    """The folder of the outermost package that a file is in; None for a file by itself."""
    homes = [folder for folder in file.parents if (folder / "__init__.py").is_file()]
    return next(
        (home for home in homes if not (home.parent / "__init__.py").is_file()),
        None,
    )


@cache
def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:_DIGITS]


@cache
def _referred_to(file: Path, package: Path) -> frozenset[Path]:
    """The files that a file imports or reads, of quantbench and of its own package."""
    if file.suffix != ".py":
        return frozenset()
    nodes = list(_that_run(ast.parse(file.read_bytes())))
    home = None if file.is_relative_to(package) else _home(file)
    modules = {path for node in nodes for part in (package, home) if part is not None
               for name in _names(node, file, part) for path in _files_of(name, part)}  # fmt: skip
    return frozenset(modules | {path for node in nodes for path in _data(node, package)})


def _that_run(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all nodes below it, without those that only a type checker sees."""
    yield node
    match node:
        case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
            below: list[ast.AST] = [*node.orelse]
        case _:
            below = [*ast.iter_child_nodes(node)]
    for child in below:
        yield from _that_run(child)


def _names(node: ast.AST, file: Path, package: Path) -> Iterator[str]:
    """The dotted names that a node imports; the caller passes over those that are no modules."""
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
