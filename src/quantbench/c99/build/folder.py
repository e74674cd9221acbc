"""The folder in which C is built and run: never the system's temporary one, which may forbid it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from quantbench.errors import StorageError


@contextmanager
def build_folder(build: Path | None, output: Path) -> Iterator[Path]:
    """A temporary folder in `build`, or else beside `output`, on the same disk.

    Raises StorageError where that can't be written.
    """
    if build is None:
        beside = output.absolute().parent
        parent = next(path for path in (beside, *beside.parents) if path.is_dir())
    elif build.is_dir():
        parent = build.absolute()
    else:
        raise StorageError(f"{build} is no folder; name one that exists with --build")
    try:
        folder = TemporaryDirectory(dir=parent, prefix=".quantbench-")
    except OSError as error:
        raise StorageError(
            f"{parent} can't be written ({error.strerror}); name a folder with --build"
        ) from error
    with folder as name:
        yield Path(name)
