"""Networks and tasks from Python code that the user names: it is imported, and so it runs."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from hashlib import sha256
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import torch
from torch import nn

from quantbench.errors import NetworkError, UnknownNameError, cause
from quantbench.system.silence import silenced
from quantbench.tasks.task import Task

TASK = "task"
"""The name, by convention, of the function in a task file."""


def is_python(source: str) -> bool:
    """Whether a source names Python: "pkg.module:callable", "FILE.py" or "FILE.py:callable"."""
    place, _, name = source.rpartition(":")
    return source.endswith(".py") or (bool(place) and name.isidentifier())


def build_module(source: str) -> nn.Module:
    """Import "pkg.module:callable" or "FILE.py:callable" and call it without arguments.

    A module in place of a callable is taken as it is. The global random state is left as it was,
    and is the same for each call. Raises NetworkError where that gives no nn.Module.
    """
    target = _attribute(source)
    if isinstance(target, nn.Module):
        return target
    result = _called(target, source)
    if not isinstance(result, nn.Module):
        kind = type(result).__name__
        raise NetworkError(f"{source} returns a {kind}; let it return the nn.Module alone")
    return result


def load_task(source: str | Path) -> Task:
    """Import a task file and call its function that returns a Task: "FILE.py" or "FILE.py:name".

    Without a name it is the one called `task`, or the only one annotated `-> Task`. Raises
    NetworkError, with file and line, where the file or the function fails.
    """
    text = str(source)
    if text.endswith(".py"):
        module = _imported(text)
        target = vars(module).get(TASK) or _annotated(module, text)
    else:
        target = _attribute(text)
    result = _called(target, text)
    if not isinstance(result, Task):
        raise NetworkError(f"{text} returns a {type(result).__name__}; let it return a Task")
    return result


def _annotated(module: ModuleType, source: str) -> object:
    """The only function of a file that is annotated to return a Task. Raises NetworkError."""
    functions = {
        name: value
        for name, value in vars(module).items()
        if inspect.isfunction(value)
        and value.__module__ == module.__name__
        and str(inspect.signature(value).return_annotation).split(".")[-1].strip("'>") == "Task"
    }
    if len(functions) != 1:
        several = f"{', '.join(functions)} all return one" if functions else "no function does"
        raise NetworkError(
            f"{source} is no task file: it needs a function `def task() -> Task` ({several})"
        )
    return next(iter(functions.values()))


def _attribute(source: str) -> object:
    """The thing that "place:name" names. Raises NetworkError or UnknownNameError."""
    place, _, name = source.rpartition(":")
    module = _imported(place)
    if name not in vars(module):
        public = [key for key, value in vars(module).items()
                  if callable(value) and not key.startswith("_")]  # fmt: skip
        raise UnknownNameError(f"callable of {place}", name, public)
    target: object = vars(module)[name]
    return target


def _called(target: object, source: str) -> object:
    if not callable(target):
        raise NetworkError(f"{source} is a {type(target).__name__}, which can't be called")
    needed = _required(target)
    if needed:
        raise NetworkError(
            f"{source} takes arguments ({', '.join(needed)}); write a function without any that "
            "calls it"
        )
    try:
        with _own_randomness():
            return target()
    except Exception as error:
        raise NetworkError(f"{source} failed{_place_of(error)}: {cause(error)}") from error


@contextlib.contextmanager
def _own_randomness() -> Iterator[None]:
    """Draw the same random numbers each time, and leave the global state as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        yield


def _required(target: Callable[..., object]) -> list[str]:
    try:
        parameters = inspect.signature(target).parameters.values()
    except ValueError:  # a built-in doesn't say
        return []
    return [
        p.name
        for p in parameters
        if p.default is inspect.Parameter.empty
        and p.kind not in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    ]


def _imported(place: str) -> ModuleType:
    """A module by its dotted name, also from the current folder, or by its file."""
    path = Path(place)
    if place.endswith(".py") and not path.is_file():
        raise NetworkError(f"there is no file {place}")
    folders = (path.absolute().parent, Path.cwd()) if place.endswith(".py") else (Path.cwd(),)
    for folder in folders:
        if str(folder) not in sys.path:  # behind the others, so that none of them is hidden
            sys.path.append(str(folder))
    try:
        with silenced(), _own_randomness():
            return _from_file(path) if place.endswith(".py") else importlib.import_module(place)
    except SyntaxError as error:
        raise NetworkError(f"{error.filename}:{error.lineno}: {cause(error)}") from error
    except Exception as error:
        raise NetworkError(
            f"{place} can't be imported{_place_of(error)}: {cause(error)}"
        ) from error


def _from_file(path: Path) -> ModuleType:
    """Import a file once in a process, under a name of its own."""
    path = path.absolute()
    name = f"quantbench_file_{path.stem}_{sha256(str(path).encode()).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = module_from_spec(spec)
    sys.modules[name] = module  # dataclasses resolve their types there
    try:
        spec.loader.exec_module(module)
    except BaseException:  # Ctrl-C too: half a module must not be found again
        del sys.modules[name]
        raise
    return module


def _place_of(error: BaseException) -> str:
    """The file and line at which foreign code failed: the last that isn't of a library."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [
        frame
        for frame in frames
        if frame.filename != __file__
        and "importlib" not in frame.filename
        and "site-packages" not in frame.filename
    ]
    return f" at {theirs[-1].filename}:{theirs[-1].lineno}" if theirs else ""
