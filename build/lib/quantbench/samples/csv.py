"""Samples from a CSV file: a row is a sample, its cells are features and a target."""

from __future__ import annotations

import csv
import io
import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from quantbench.errors import DataFileError, SamplesError
from quantbench.samples.arrays import from_arrays
from quantbench.samples.convert import require_castable
from quantbench.samples.records import Array, Samples
from quantbench.samples.stream import DEFAULT_LIMIT, Limit, writing_rows
from quantbench.system.files import opened

LAST = "last"
"""The target column where none is named."""
_ROWS = 4096
"""Rows that are in memory at a time."""
_MAX_LINE = 4 * 2**20
_MAX_EXACT = 2**53
"""Integers up to this are exact in float64."""

_Row = tuple[int, list[str]]
"""The number of the line that a row ends in, and its cells."""


@dataclass(frozen=True)
class _Table:
    """The columns of a file: their names (numbers from 1 without a header) and the target's."""

    path: Path
    columns: tuple[str, ...]
    target: int | None
    has_header: bool
    named_classes: bool
    """Whether the targets are names rather than numbers."""

    @property
    def features(self) -> tuple[int, ...]:
        return tuple(index for index in range(len(self.columns)) if index != self.target)


def from_csv(
    name: str,
    path: Path,
    folder: Path,
    limit: Limit = DEFAULT_LIMIT,
    *,
    target: str | None = LAST,
    shape: Sequence[int] = (),
    dtype: str = "float32",
    classes: Sequence[str] = (),
) -> Samples:
    """Samples of a CSV file (UTF-8; commas, semicolons or tabs), kept as a .npy file in `folder`.

    The first row is a header where none of its features is a number. `target` is the name of a
    column, "last", or None where there is none. Inputs are [N, features], or [N, *shape] with the
    shape of the network's input, which also tells a file without targets. Targets are int64 where
    all are integers, float32 where all are numbers, else the names of classes. Raises
    DataFileError with the line and column of the first bad cell, SamplesError for columns that
    don't fit.
    """
    labels: list[str] = []
    numbers = array("d")
    with _rows(path) as rows, writing_rows(folder, name, limit) as writer:
        head = list(islice(rows, 2))
        table = _table(path, [cells for _, cells in head], target, shape)
        columns = table.features
        left = chain(head[table.has_header :], rows)
        while not writer.full and (batch := list(islice(left, _ROWS))):
            for line, cells in batch:
                _require_width(table, line, cells)
            features = np.array([_numbers(table, row, columns) for row in batch])
            require_castable(features, dtype, str(path))
            inputs = features.astype(dtype).reshape(len(batch), *(shape or features.shape[1:]))
            writer.append((inputs,), None)
            if table.named_classes:
                labels += [_label(table, row) for row in batch]
            elif table.target is not None:
                numbers.extend(_numbers(table, row, (table.target,))[0] for row in batch)
        written = writer.finish()
    count = len(written.inputs[0])
    targets = _integers(np.array(numbers[:count])) if numbers else np.array(labels[:count])
    samples = from_arrays(
        f"{name} ({path.name})",
        written.inputs,
        None if table.target is None else targets,
        dtypes=(dtype,),
        classes=classes,
    )
    return replace(samples, name=name)


@contextmanager
def _rows(path: Path) -> Iterator[Iterator[_Row]]:
    """The rows that aren't empty. Raises DataFileError."""
    try:
        with (
            opened(path) as file,
            io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text,
        ):
            lines = _lines(text, path)
            first = next(lines, "")
            delimiter = max(",;\t", key=first.count)
            reader = csv.reader(chain((first,), lines), delimiter=delimiter, strict=True)
            yield ((reader.line_num, cells) for cells in reader if cells)
    except OSError as error:
        raise DataFileError(f"{path} can't be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DataFileError(f"{path} is not UTF-8 text; save it as UTF-8") from error
    except csv.Error as error:
        raise DataFileError(f"{path} is no CSV file, or damaged ({error})") from error


def _lines(text: TextIO, path: Path) -> Iterator[str]:
    """The lines of a text, each of bounded length."""
    while line := text.readline(_MAX_LINE):
        if len(line) == _MAX_LINE:
            raise DataFileError(f"{path} has a line of over {_MAX_LINE:,} characters")
        yield line


def _table(path: Path, head: list[list[str]], target: str | None, shape: Sequence[int]) -> _Table:
    """The columns, from the first two rows; `shape` is the network's input, () where unknown."""
    size = math.prod(shape) if shape else 0
    if not head:
        raise SamplesError(f"{path} holds no sample")
    first, second = head[0], head[-1]
    width = len(first)
    column: int | None = None
    if target is not None and target in first:
        column = first.index(target)
    elif target == LAST:
        column = None if width == size else width - 1
    elif target is not None:
        raise SamplesError(
            f"{path} has no column '{target}'; its first row is {', '.join(first[:20])}"
        )
    features = [cell for index, cell in enumerate(first) if index != column]
    if not features or (size and len(features) != size):
        raise SamplesError(
            f"{path} has {len(features)} columns of features"
            + (f"; the network takes {size}" if size else "; a sample needs one at least")
        )
    named = column is not None and all(
        column >= len(row) or _number(row[column]) is None for row in (first, second)
    )
    has_words = column is not None and _number(first[column]) is None and not named
    has_header = has_words or all(_number(cell) is None for cell in features)
    columns = first if has_header else list(map(str, range(1, width + 1)))
    return _Table(path, tuple(columns), column, has_header, named)


def _require_width(table: _Table, line: int, cells: list[str]) -> None:
    if len(cells) != len(table.columns):
        raise DataFileError(
            f"{table.path}, line {line}: {len(cells)} cells where the first row has "
            f"{len(table.columns)}"
        )


def _numbers(table: _Table, row: _Row, columns: Iterable[int]) -> list[float]:
    line, cells = row
    values = []
    for column in columns:
        value = _number(cells[column])
        if value is None:
            raise DataFileError(
                f"{table.path}, line {line}, column {column + 1} ({table.columns[column]}): "
                f"{cells[column][:40]!a} is no number"
            )
        values.append(value)
    return values


def _number(cell: str) -> float | None:
    """A finite number in ASCII digits, or None."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if cell.isascii() and "_" not in cell and math.isfinite(value) else None


def _label(table: _Table, row: _Row) -> str:
    line, cells = row
    assert table.target is not None
    label = cells[table.target].strip()
    if not label:
        raise DataFileError(f"{table.path}, line {line}: the target is empty")
    return label


def _integers(values: NDArray[np.float64]) -> Array:
    """The targets as int64 where all are integers, else as they are."""
    whole = (values == np.rint(values)) & (np.abs(values) <= _MAX_EXACT)
    return values.astype(np.int64) if whole.all() else values
