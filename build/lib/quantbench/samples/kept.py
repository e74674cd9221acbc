"""Keep what was decoded from many files, so that the next run finds it, checked by its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pydantic import JsonValue

from quantbench.errors import DataFileError
from quantbench.samples.npy_file import mapped
from quantbench.samples.records import Array
from quantbench.samples.stream import DEFAULT_LIMIT, Limit, writing_rows
from quantbench.system.cache import held_alone, sound
from quantbench.system.files import writing
from quantbench.system.record import Record
from quantbench.system.store import path_for, save

_KIND, _NAME = "samples", "samples"


class _Body(Record):
    samples: int


def kept(
    folder: Path,
    name: str,
    inputs: dict[str, JsonValue],
    batches: Callable[[], Iterator[Array]],
    count: int,
    limit: Limit = DEFAULT_LIMIT,
) -> Array:
    """The rows of all batches, memory-mapped from `folder`; they're made where they aren't there.

    `inputs` is all that the rows depend on, `count` the number of batches, by which their size is
    told after the first. Raises StorageError where the disk is full, and whatever `batches` raises.
    """

    def fill(temporary: Path) -> _Body:
        with writing_rows(temporary, _NAME, limit) as writer:
            for number, batch in enumerate(batches()):
                writer.append((batch,), None)
                if number == 0:
                    writer.expect(count)
            writer.finish()
            return _Body(samples=writer.rows)

    path = path_for(folder, name, inputs)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with held_alone(folder, path.name):
        stored = sound(folder, name, _KIND, inputs, _Body) or save(path, _KIND, inputs, fill)
    return mapped(stored.folder / f"{_NAME}-x1.npy")


def listing_sha256(root: Path, paths: Sequence[Path]) -> str:
    """Identify files by their paths in `root`, sizes and times of change, without reading them.

    Raises DataFileError where one can't be read.
    """
    digest = hashlib.sha256()
    for path in paths:
        try:
            status = path.stat()
        except OSError as error:
            raise DataFileError(f"{path} can't be read: {error.strerror or error}") from error
        line = f"{path.relative_to(root)}\0{status.st_size}\0{status.st_mtime_ns}\n"
        digest.update(line.encode(errors="surrogateescape"))
    return digest.hexdigest()
