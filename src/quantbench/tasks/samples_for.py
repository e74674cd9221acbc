"""Match samples to the inputs that a file states, or make some where none are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from quantbench.errors import NetworkError, SamplesNeededError
from quantbench.samples.records import Array, Arrays

_MAX_VALUES = 1 << 28
"""Values of one sample that is made up: 1 GiB of float32."""


@dataclass(frozen=True)
class InputSize:
    """An input as a file states it: sizes that it leaves open are None."""

    name: str
    batch: int | None
    shape: tuple[int | None, ...]
    """The shape without the batch."""
    dtype: np.dtype[Any]


def samples_for(
    sizes: Sequence[InputSize],
    example: Sequence[Array] | Mapping[str, Array] | None,
    file: str,
) -> Arrays:
    """Samples [N, ...] for each input, of the dtype that the file states, in its order.

    They are the example's, by name or in order, else normal random numbers, or zeros for integers.
    Raises NetworkError where the example doesn't fit, or is needed to know a size.
    """
    if example is None:
        rng = np.random.default_rng(0)
        return tuple(_random(size, rng, file) for size in sizes)
    names = [size.name for size in sizes]
    if isinstance(example, Mapping):
        if set(example) != set(names):
            raise NetworkError(
                f"{file} takes the inputs ({', '.join(names)}), the samples are named "
                f"({', '.join(example)}); give each input by its name"
            )
        arrays = [example[name] for name in names]
    else:
        arrays = list(example)
    if len(arrays) != len(sizes):
        raise NetworkError(
            f"{file} takes {len(sizes)} inputs ({', '.join(names)}), the samples have "
            f"{len(arrays)}; give one array for each"
        )
    return tuple(_fitting(size, array, file) for size, array in zip(sizes, arrays, strict=True))


def _fitting(size: InputSize, array: Array, file: str) -> Array:
    if not np.ndim(array) or not len(array):
        raise NetworkError(f"there are no samples for input '{size.name}' of {file}; give some")
    shape = np.shape(array)[1:]
    fits = len(shape) == len(size.shape) and all(
        wanted in (None, actual) for wanted, actual in zip(size.shape, shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("?" if n is None else str(n) for n in size.shape)
        raise NetworkError(
            f"input '{size.name}' of {file} takes samples of [{wanted}], not {list(shape)}; give "
            "samples of that shape"
        )
    if np.dtype(array.dtype).kind != size.dtype.kind:
        raise NetworkError(
            f"input '{size.name}' of {file} takes {size.dtype}, but the samples are {array.dtype}; "
            f"give them as {size.dtype}"
        )
    return np.ascontiguousarray(array, dtype=size.dtype)


def _random(size: InputSize, rng: np.random.Generator, file: str) -> Array:
    if None in size.shape:
        raise SamplesNeededError(
            f"input '{size.name}' of {file} leaves sizes open; give samples, such as calibration "
            "data"
        )
    shape = (2 * (size.batch or 1), *(n for n in size.shape if n is not None))
    if np.prod(shape, dtype=float) > _MAX_VALUES:
        raise NetworkError(f"input '{size.name}' of {file} is too large: {list(shape)}")
    if size.dtype.kind == "f":
        return rng.normal(size=shape).astype(size.dtype)
    return np.zeros(shape, size.dtype)
