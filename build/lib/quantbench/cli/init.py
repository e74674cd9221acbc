"""The command `quantbench init`: a task file that runs as it is, to be filled in."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from quantbench.errors import StorageError, UsageError
from quantbench.system.terminal import Terminal

_TEMPLATE = "my_task.py.txt"


def init(path: Path) -> None:
    """Write the task file; nothing that is there is overwritten.

    Raises UsageError for a name that is taken or isn't Python's, StorageError where the file
    can't be written.
    """
    if path.suffix != ".py":
        raise UsageError(f"{path} should end with .py: it is a Python file")
    text = files("quantbench.cli").joinpath(_TEMPLATE).read_text(encoding="utf-8")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text.replace("FILE", str(path)))
    except FileExistsError:
        raise UsageError(f"{path} is there already; name a new file") from None
    except OSError as error:
        raise StorageError(f"can't write {path}: {error.strerror or error}") from error
    Terminal().say(f"written: {path}; `quantbench run {path}` studies it as it is")
