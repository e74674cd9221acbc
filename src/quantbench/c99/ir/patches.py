"""Windows of images in NumPy, of integers and of real numbers. Images are [N, C, H, W]."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.ir.graph import Shape, Window

Number = TypeVar("Number", np.int64, np.float64)
_COPIED = 2**22
"""Numbers of windows that are copied at once, to be multiplied as one matrix."""
_EXACT_IN_FLOAT32 = 2**24


def padded(
    values: NDArray[Number], pads: tuple[int, int, int, int], value: float
) -> NDArray[Number]:
    """The images with a frame of `value`; `pads`: top, left, bottom, right."""
    top, left, bottom, right = pads
    around = ((0, 0), (0, 0), (top, bottom), (left, right))
    return np.pad(values, around, constant_values=value)


def windows(values: NDArray[Number], window: Window) -> NDArray[Number]:
    """The windows of images [N, C, H, W], as a view [N, C, H', W', kh, kw]."""
    (kh, kw), (dh, dw) = window.kernel, window.dilations
    whole = ((kh - 1) * dh + 1, (kw - 1) * dw + 1)
    views = np.lib.stride_tricks.sliding_window_view(values, whole, axis=(2, 3))
    (sh, sw) = window.strides
    return views[:, :, ::sh, ::sw, ::dh, ::dw]


def products(
    images: NDArray[Number], weights: NDArray[Number], window: Window, groups: int
) -> NDArray[Number]:
    """The sums [N, O, H', W'] of the windows of padded images [N, C, H, W] times weights.

    Weights are [O, C / groups, kh, kw]. Integers are multiplied as floating-point numbers, whose
    matrix products are fast: in float32 where no partial sum can reach 2**24, else in float64,
    which is exact up to 2**53.
    """
    type = _exact_type(images, weights)
    patches = windows(images.astype(type), window)
    factors = weights.astype(type).reshape(groups, len(weights) // groups, -1)
    n, _, height, width = patches.shape[:4]
    sums = np.empty((n, len(weights), height, width), images.dtype)
    places = max(1, _COPIED // max(1, n * weights[0].size * groups))
    rows, columns = max(1, places // max(1, width)), min(places, max(1, width))
    for y in range(0, height, rows):
        for x in range(0, width, columns):
            here = np.s_[:, :, y : y + rows, x : x + columns]
            sums[here] = _products(patches[here], factors)
    return sums


def _exact_type(images: NDArray[Number], weights: NDArray[Number]) -> type[np.floating]:
    """The shorter floating-point type in which every sum of products of integers is exact."""
    if images.dtype.kind == "f" or not images.size or not weights.size:
        return np.float64
    largest = max(int(images.max()), -int(images.min()))
    most = int(np.abs(weights).reshape(len(weights), -1).sum(axis=1).max())
    return np.float32 if largest * most < _EXACT_IN_FLOAT32 else np.float64


def _products(patches: NDArray[np.floating], factors: NDArray[np.floating]) -> NDArray[np.floating]:
    """The sums [N, O, H', W'] of some windows and factors [groups, O / groups, terms]."""
    n, _, height, width = patches.shape[:4]
    groups, _, terms = factors.shape
    columns = patches.transpose(1, 4, 5, 0, 2, 3).reshape(groups, terms, n * height * width)
    sums: NDArray[np.floating] = np.matmul(factors, columns)
    return sums.reshape(-1, n, height, width).transpose(1, 0, 2, 3)


def padded_size(shape: Shape, pads: tuple[int, int, int, int]) -> int:
    """The numbers of an image [C, H, W] with its pads."""
    (channels, height, width), (top, left, bottom, right) = shape, pads
    return channels * (height + top + bottom) * (width + left + right)
