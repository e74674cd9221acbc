"""Plug-ins: where each choice by name comes from, and why one can't be used here.

A plug-in is a Python file. Three places offer them:

- the folders of this package, where a file's stem is its name;
- other distributions, by entry points in the groups "quantbench.methods", "quantbench.runtimes",
  "quantbench.metrics", "quantbench.models", "quantbench.data" and "quantbench.findings", whose
  values name a module;
- files that the user names (`--plugin FILE.py`, `use_plugins`), by their stem.

All are listed without importing anything, and one is imported when it is selected, so a missing
library costs only the plug-in that needs it. No place may take a name that another has.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, cast

from quantbench.contracts import (
    METRIC_FUNCTIONS,
    DataModule,
    DataSet,
    LoadsSamples,
    MethodModule,
    MetricModule,
    ModelModule,
    RuntimeModule,
)
from quantbench.errors import (
    QuantbenchError,
    UnavailableError,
    UnknownNameError,
    UsageError,
    cause,
)
from quantbench.plugin_offers import KINDS, Source, built_in, kind_of, lacking, offered
from quantbench.system import imports
from quantbench.system.extras import EXTRA_OF, install, why_missing
from quantbench.system.machine import versions

if TYPE_CHECKING:
    from quantbench.artifacts.artifact import Artifact

_named_by_user: dict[tuple[str, str], Path] = {}
"""Folder and name -> file. State of the process, as sys.path is: set by `use_plugins` alone."""


def use_plugins(*files: Path | str) -> None:
    """Offer the plug-ins in `files`, for this process and the workers that it starts.

    Each file offers one plug-in, whose kind is read from the names that it defines. Nothing is
    imported. Raises UsageError for a file that offers none, and for a name that is taken.
    """
    for file in files:
        path = Path(file).absolute()
        folder = kind_of(path)
        owner = built_in(folder).get(path.stem) or offered().get((folder, path.stem))
        taken = owner.file if owner else _named_by_user.get((folder, path.stem), path)
        if taken != path:
            raise UsageError(
                f"{KINDS[folder]} '{path.stem}' of {file} is there already ({taken}); "
                "rename the file"
            )
        _named_by_user[folder, path.stem] = path


def user_files() -> tuple[Path, ...]:
    """The files that `use_plugins` was given, to be passed on to worker processes."""
    return tuple(_named_by_user.values())


def names(folder: str) -> list[str]:
    """The plug-ins of a kind, which is one of KINDS, sorted."""
    added = (name for kind, name in (*_named_by_user, *offered()) if kind == folder)
    return sorted({*built_in(folder), *added})


def default_runtimes() -> list[str]:
    """The runtimes that a study uses when none is named: all but those that say DEFAULT = False."""
    return _defaults("runtimes")


def default_methods() -> list[str]:
    """The methods that a study uses when none is named: all but those that say DEFAULT = False."""
    return _defaults("methods")


def _defaults(folder: str) -> list[str]:
    return [
        name
        for name in names(folder)
        if imports.constant(source(folder, name), "DEFAULT") is not False
    ]


def source(folder: str, name: str) -> Path:
    """The file of a plug-in, which its results depend on. Raises UnknownNameError."""
    return _source(folder, name).file


def model(name: str) -> ModelModule:
    """Import the model called `name`. Raises UnknownNameError or UnavailableError."""
    return cast(ModelModule, _load("models", name))


def data(name: str) -> DataModule:
    """Import the data set called `name`, of MNIST's form.

    Raises UnknownNameError or UnavailableError, the latter also for a data set of another form and
    where its SPEC has another name than its file.
    """
    module = _load("data", name)
    if "SPEC" not in vars(module):
        raise UnavailableError(f"data set '{name}' is not in MNIST's form: it has no SPEC")
    spec = cast(DataModule, module).SPEC
    if spec.name != name:
        raise UnavailableError(
            f"the SPEC of data set '{name}' is named '{spec.name}'; give both one name"
        )
    return cast(DataModule, module)


def data_set(name: str) -> DataSet:
    """Import the data set called `name`, of either form. Raises as `data` does."""
    if "SPEC" not in vars(_load("data", name)):
        module = cast(LoadsSamples, _load("data", name))
        return DataSet(name, module.TITLE, module.CLASSES, module.load, None)
    from quantbench.data import load_samples

    spec = data(name).SPEC
    return DataSet(name, spec.title, spec.classes, partial(load_samples, spec), spec)


def method(name: str) -> MethodModule:
    """Import the method called `name`. Raises UnknownNameError or UnavailableError."""
    return cast(MethodModule, _load("methods", name))


def runtime(name: str) -> RuntimeModule:
    """Import the runtime called `name`. Raises UnknownNameError or UnavailableError."""
    return cast(RuntimeModule, _load("runtimes", name))


def metric(name: str) -> MetricModule:
    """Import the metric called `name`. Raises UnknownNameError or UnavailableError.

    UnavailableError is also raised where it doesn't define exactly one of METRIC_FUNCTIONS.
    """
    return cast(MetricModule, _load("metrics", name))


def finding(name: str) -> ModuleType:
    """Import the rule called `name`. Raises UnknownNameError or UnavailableError.

    Its contract is `explain.judge.FindingModule`, whose records lie in rooms above this one.
    """
    return _load("findings", name)


def why_unavailable(folder: str, name: str) -> str | None:
    """The reason why a plug-in can't work here, in a sentence, or None where it can."""
    source(folder, name)
    try:
        return _answer(_load(folder, name), "unavailable")
    except QuantbenchError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  # a plug-in may raise anything
        return f"{KINDS[folder]} '{name}' raised {cause(error)}"


def why_refused(runtime: RuntimeModule, artifact: Artifact) -> str | None:
    """The reason why a runtime can't run an artifact, in a sentence, or None."""
    try:
        return _answer(runtime, "refuses", artifact)
    except QuantbenchError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  # a plug-in may raise anything
        return f"asked whether it runs this, it raised {cause(error)}"


def why_not_installed(folder: str, name: str) -> str | None:
    """The reason why a plug-in can't work here, found without loading a library, or None.

    Unlike `why_unavailable` it doesn't see faults that show only once a library is loaded, such as
    a damaged one. An `unavailable` that the plug-in imports from a module of this package is
    called; a plug-in from outside the package isn't.
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
    if name not in built_in(folder) or "unavailable" not in imports.defined(path):
        return None
    if imports.returns_none(path, "unavailable"):
        return None
    if place := imports.origin(path, "unavailable"):
        module, function = place
        return cast("Callable[[], str | None]", getattr(import_module(module), function))()
    return why_unavailable(folder, name)


def _answer(module: ModuleType | RuntimeModule, question: str, *arguments: object) -> str | None:
    """The plug-in's answer to an optional question of its contract; None where it has none."""
    answer: Callable[..., str | None] | None = getattr(module, question, None)
    return answer(*arguments) if answer else None


def _source(folder: str, name: str) -> Source:
    if own := built_in(folder).get(name):
        return own
    if file := _named_by_user.get((folder, name)):
        return Source(file, f"quantbench_{folder}_{name}", importable=False)
    if other := offered().get((folder, name)):
        return other
    raise UnknownNameError(KINDS[folder], name, names(folder))


def _load(folder: str, name: str) -> ModuleType:
    """Raises UnavailableError where the module can't be imported or lacks what its kind needs."""
    found = _source(folder, name)
    try:
        module = import_module(found.module) if found.importable else _imported(found)
    except ImportError as error:
        raise UnavailableError(_why_not_imported(folder, name, error)) from error
    if missing := lacking(folder, vars(module).keys()):
        raise UnavailableError(
            f"{KINDS[folder]} '{name}' doesn't define {', '.join(sorted(missing))}"
        )
    if folder == "metrics" and len(vars(module).keys() & set(METRIC_FUNCTIONS)) != 1:
        raise UnavailableError(
            f"metric '{name}' has to define one of {', '.join(METRIC_FUNCTIONS)}, and only one"
        )
    return module


def _imported(found: Source) -> ModuleType:
    """The module of a file that isn't on Python's path, imported once."""
    loaded = sys.modules.get(found.module)
    if loaded is not None and loaded.__file__ == str(found.file):
        return loaded
    spec = spec_from_file_location(found.module, found.file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{found.file} can't be imported", name=found.module)
    module = module_from_spec(spec)
    sys.modules[found.module] = module  # dataclasses resolve their types there
    try:
        spec.loader.exec_module(module)
    except BaseException:  # Ctrl-C too: half a module must not be found again
        del sys.modules[found.module]
        raise
    return module


def _why_not_imported(folder: str, name: str, error: ImportError) -> str:
    module = error.name or "a library"
    library = module.partition(".")[0]
    if library in EXTRA_OF and (reason := why_missing(library)):
        return reason
    needs = f"{KINDS[folder]} '{name}' needs {module}, which"
    if library != module and (version := versions((library,)).get(library)):
        return f"{needs} {library} {version} doesn't have; install another version of {library}"
    return (
        f"{needs} doesn't import here ({' '.join(str(error).split())}); "
        f"{install(EXTRA_OF[library]) if library in EXTRA_OF else 'install it'}"
    )
