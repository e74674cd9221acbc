"""Plug-ins are files: a file's stem in its folder is its name.

A folder is listed without importing anything, and a plug-in is imported when it
is selected, so a missing library costs only the plug-in that needs it. Files that
start with an underscore are shared code, not plug-ins.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, cast

from quantbench.contracts import (
    DataModule,
    MethodModule,
    MetricModule,
    ModelModule,
    RuntimeModule,
)
from quantbench.errors import QuantbenchError, UnavailableError, UnknownNameError, cause
from quantbench.system import imports
from quantbench.system.extras import ENGINES, install, why_missing

if TYPE_CHECKING:
    from quantbench.artifacts.artifact import Artifact

KINDS = {
    "data": "data set",
    "models": "model",
    "methods": "method",
    "runtimes": "runtime",
    "metrics": "metric",
}
_ROOT = Path(__file__).parent


def names(folder: str) -> list[str]:
    """The plug-ins of a folder ("data", "models", "methods", "runtimes"), sorted."""
    return sorted(p.stem for p in (_ROOT / folder).glob("*.py") if not p.stem.startswith("_"))


def default_runtimes() -> list[str]:
    """Those that a study runs unasked: all but those that say DEFAULT = False."""
    return [name for name in names("runtimes") if not _says_no(source("runtimes", name))]


def module_name(folder: str, name: str) -> str:
    """The dotted name that a plug-in is imported by. Raises UnknownNameError."""
    source(folder, name)
    return f"quantbench.{folder}.{name}"


def source(folder: str, name: str) -> Path:
    """The file of a plug-in, which is part of what its results depend on."""
    if name not in names(folder):
        raise UnknownNameError(KINDS[folder], name, names(folder))
    return _ROOT / folder / f"{name}.py"


def model(name: str) -> ModelModule:
    return cast(ModelModule, _load("models", name))


def data(name: str) -> DataModule:
    return cast(DataModule, _load("data", name))


def method(name: str) -> MethodModule:
    return cast(MethodModule, _load("methods", name))


def runtime(name: str) -> RuntimeModule:
    return cast(RuntimeModule, _load("runtimes", name))


def metric(name: str) -> MetricModule:
    return cast(MetricModule, _load("metrics", name))


def why_unavailable(folder: str, name: str) -> str | None:
    """Why a plug-in can't work here, in a sentence, or None where it can."""
    source(folder, name)
    try:
        module = _load(folder, name)
        if folder in ("methods", "runtimes"):
            return cast(MethodModule | RuntimeModule, module).unavailable()
    except QuantbenchError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  # a plug-in may raise anything
        return f"{KINDS[folder]} '{name}' raised {cause(error)}"
    return None


def why_refused(name: str, artifact: Artifact) -> str | None:
    """Why a runtime can't run an artifact, in a sentence, or None where it gives no reason."""
    try:
        return runtime(name).refuses(artifact)
    except QuantbenchError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  # a plug-in may raise anything
        return f"asked whether it runs this, it raised {cause(error)}"


def why_not_installed(folder: str, name: str) -> str | None:
    """Why a plug-in can't work here, like `why_unavailable`, but without loading a library.

    Only what a library tells of itself once it is loaded isn't seen. An `unavailable` that the
    plug-in imports from a module of ours is asked there.
    """
    path = source(folder, name)
    try:
        needed = imports.libraries(path)
    except SyntaxError as error:
        return f"{KINDS[folder]} '{name}' is no Python: {error.msg}, line {error.lineno}"
    missing = next((module for module in needed if not imports.is_installed(module)), None)
    if missing:
        absent = ModuleNotFoundError(f"No module named '{missing}'", name=missing)
        return _why_not_imported(folder, name, absent)
    if folder not in ("methods", "runtimes") or _always_available(path):
        return None
    if place := imports.origin(path, "unavailable"):
        module, function = place
        return cast("Callable[[], str | None]", getattr(import_module(module), function))()
    return why_unavailable(folder, name)


def _always_available(path: Path) -> bool:
    """Whether its `unavailable` is nothing but `return None`."""
    for statement in ast.parse(path.read_bytes()).body:
        match statement:
            case ast.FunctionDef(name="unavailable", body=[ast.Return(value=ast.Constant(None))]):
                return True
    return False


def _says_no(path: Path) -> bool:
    for statement in ast.parse(path.read_bytes()).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id="DEFAULT")], value=ast.Constant(value=False)):
                return True
    return False


def _load(folder: str, name: str) -> ModuleType:
    try:
        return import_module(module_name(folder, name))
    except ImportError as error:
        raise UnavailableError(_why_not_imported(folder, name, error)) from error


def _why_not_imported(folder: str, name: str, error: ImportError) -> str:
    library = (error.name or "").partition(".")[0]
    if library in ENGINES and (reason := why_missing(library)):
        return reason
    return (
        f"{KINDS[folder]} '{name}' needs {error.name or 'a library'}, which doesn't import here "
        f"({' '.join(str(error).split())}); {install() if library in ENGINES else 'install it'}"
    )
