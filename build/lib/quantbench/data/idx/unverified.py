"""Read IDX files whose hashes aren't published: their shapes and values are checked instead."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quantbench.data.idx import idx_file
from quantbench.data.idx.sources import inflated, packed_cap
from quantbench.errors import DataFileError
from quantbench.system.files import read_plain


def images_and_labels(
    folder: Path, images: str, labels: str, count: int, classes: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The images, uint8 [count, 28, 28], and labels, int64 [count], of two IDX files of a folder.

    Each may be as it is or a .gz. Raises DataFileError where one isn't there, is damaged or of
    another shape, and where a label isn't below `classes`.
    """
    pixels = read_file(folder, images, (count, 28, 28))
    targets = read_file(folder, labels, (count,))
    if int(targets.max()) >= classes:
        raise DataFileError(
            f"{folder / labels}: label {int(targets.max())}, but there are {classes} classes"
        )
    return pixels, targets.astype(np.int64)


def read_file(folder: Path, name: str, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """The values of one IDX file of unsigned bytes, raw or as .gz. Raises DataFileError."""
    size = 4 + 4 * len(shape) + math.prod(shape)
    plain, packed = folder / name, folder / f"{name}.gz"
    try:
        if os.path.lexists(plain):
            return idx_file.parse(read_plain(plain, size + 1), str(plain), shape)
        if os.path.lexists(packed):
            content = read_plain(packed, packed_cap(size) + 1)
            return idx_file.parse(inflated(content, size, "", str(packed)), str(packed), shape)
    except OSError as error:
        path = error.filename or plain
        raise DataFileError(f"{path}: can't be read ({error.strerror or error})") from error
    raise DataFileError(f"{plain}: no such file, nor with .gz; put it there")
