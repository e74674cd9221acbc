"""Windows of images in NumPy, of integers and of real numbers. Images are [N, C, H, W]."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.ir.graph import Shape, Window

Number = TypeVar("Number", np.int64, np.float64)
_COPIED = 2**22
"""Numbers of windows that are copied at once, to be multiplied as one matrix."""


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


def products(patches: NDArray[Number], weights: NDArray[Number], groups: int) -> NDArray[Number]:
    """The sums [N, O, H', W'] of windows times weights.

    Windows are [N, C, H', W', kh, kw], weights [O, C / groups, kh, kw]. Integers are multiplied as
    float64, which is exact up to 2**53 and uses fast matrix products.
    """
    n, _, height, width = patches.shape[:4]
    sums = np.empty((n, len(weights), height, width), patches.dtype)
    places = max(1, _COPIED // max(1, n * weights[0].size))
    rows, columns = max(1, places // max(1, width)), min(places, max(1, width))
    for y in range(0, height, rows):
        for x in range(0, width, columns):
            here = np.s_[:, :, y : y + rows, x : x + columns]
            sums[here] = _products(patches[here], weights, groups)
    return sums


def _products(patches: NDArray[Number], weights: NDArray[Number], groups: int) -> NDArray[Number]:
    n, _, height, width = patches.shape[:4]
    group_in, group_out = weights.shape[1], len(weights) // groups
    by_group = []
    for group in range(groups):
        part = patches[:, group * group_in : (group + 1) * group_in]
        flat = part.transpose(0, 2, 3, 1, 4, 5).reshape(n * height * width, -1)
        factors = weights[group * group_out : (group + 1) * group_out].reshape(group_out, -1)
        sums = flat.astype(np.float64) @ factors.T.astype(np.float64)
        by_group.append(sums.astype(patches.dtype).reshape(n, height, width, group_out))
    return np.concatenate(by_group, axis=3).transpose(0, 3, 1, 2)


def padded_size(shape: Shape, pads: tuple[int, int, int, int]) -> int:
    """The numbers of an image [C, H, W] with its pads."""
    (channels, height, width), (top, left, bottom, right) = shape, pads
    return channels * (height + top + bottom) * (width + left + right)
