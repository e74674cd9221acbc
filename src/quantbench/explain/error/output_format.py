"""The integers that hold one tensor: how they stand for real numbers, and within what range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from quantbench.errors import UnavailableError


@dataclass(frozen=True, eq=False)
class OutputFormat:
    """An affine format: real = scale * (integer - zero), integers from `least` to `greatest`.

    `scale` and `zero` hold one number, or one for each channel along `axis`.
    """

    scale: NDArray[np.float64]
    zero: NDArray[np.float64]
    least: int
    greatest: int
    axis: int = 1

    @property
    def levels(self) -> int:
        """The number of integers that it has."""
        return self.greatest - self.least + 1

    @property
    def low(self) -> NDArray[np.float64]:
        """The least real number, [1] or [channels]."""
        return np.asarray(self.scale * (self.least - self.zero))

    @property
    def high(self) -> NDArray[np.float64]:
        """The greatest real number, [1] or [channels]."""
        return np.asarray(self.scale * (self.greatest - self.zero))

    def along(self, figures: NDArray[np.float64], dimensions: int) -> NDArray[np.float64]:
        """Figures [1] or [channels], shaped so that they broadcast over a tensor."""
        if figures.size == 1:
            return figures.reshape(())
        shape = [1] * dimensions
        shape[self.axis] = figures.size
        return figures.reshape(shape)

    def dequantized(self, integers: NDArray[Any]) -> NDArray[np.float64]:
        """The real numbers that integers stand for, of the same shape."""
        scale, zero = (self.along(f, integers.ndim) for f in (self.scale, self.zero))
        return np.asarray((integers.astype(np.float64) - zero) * scale)


def limits(dtype: DTypeLike) -> tuple[int, int]:
    """The least and greatest integer of a type, ONNX's 4-bit ones included.

    Raises UnavailableError for a type that holds no integers.
    """
    name = str(np.dtype(dtype))
    if name in ("int4", "uint4", "int2", "uint2"):
        bits, signed = int(name[-1]), name.startswith("int")
        return (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    if np.dtype(dtype).kind not in "iu":
        raise UnavailableError(f"numbers of type {name} aren't rounded to integers")
    info = np.iinfo(dtype)
    return int(info.min), int(info.max)
