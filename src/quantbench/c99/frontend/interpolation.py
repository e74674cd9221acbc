"""Resizing: the nearest place is a choice of values, a linear interpolation a convolution."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.frontend.builder import Deferred, TensorRef
from quantbench.c99.frontend.context import Context, channels_and_image, signal_or_image
from quantbench.c99.frontend.linear import LinearExpr
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.rearranging import moved, require_few
from quantbench.c99.frontend.values import Value
from quantbench.c99.ir.graph import Reals, Window
from quantbench.errors import CompileError

MODES = ("asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners")
_ROUNDINGS: Mapping[str, Callable[[Reals], Reals]] = {
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}
_MOST = 7
"""The largest factor of a linear interpolation: its weights, up to (2 * 7)^2, are 8-bit integers"""


def nearest_places(
    node: OnnxNode, size: int, output: int, scale: float, mode: str
) -> NDArray[np.int64]:
    """The place of an axis that each output takes, as ONNX's modes say."""
    x = np.arange(output, dtype=np.float64)
    if mode == "asymmetric":
        real = x / scale
    elif mode == "align_corners":
        real = x * (size - 1) / max(1, output - 1)
    else:
        real = (x + 0.5) / scale - 0.5
        if mode == "pytorch_half_pixel" and output == 1:
            real = np.zeros(1)
    rounding = node.text("nearest_mode", "round_prefer_floor")
    if rounding not in _ROUNDINGS:
        raise CompileError(f"{node.where}: nearest_mode {rounding!a:.30} isn't known")
    places = np.clip(_ROUNDINGS[rounding](real), 0, size - 1)
    return np.asarray(places, np.int64)


def interpolated(context: Context, node: OnnxNode, factors: Sequence[Fraction], mode: str) -> Value:
    """An image or a signal, larger by whole factors of height and width.

    Each phase of the output weighs neighbours by multiples of 1 / (2 factor); behind the border
    the last values are repeated. Raises CompileError for other factors.
    """
    given = context.settled(node, 0)
    channels, height, width = channels_and_image(node, given.shape)
    whole = [int(factor) for factor in factors]
    by_side = (1, *whole)[-2:]
    if mode == "align_corners" or whole != [*factors] or not all(1 <= f <= _MOST for f in whole):
        raise CompileError(
            f"{node.where}: linear, from {[height, width]} by {[float(f) for f in factors]} with "
            f"{mode}; whole factors up to {_MOST}, with half_pixel, pytorch_half_pixel or "
            "asymmetric, are supported"
        )
    rows, columns = (_taps(factor, mode) for factor in by_side)
    (up, high), (left, wide) = rows.shape, columns.shape
    around = ((0, 0), (high // 2, high // 2), (wide // 2, wide // 2))
    require_few(node, (channels, height * up, width * left))
    places = np.arange(channels * height * width, dtype=np.int64).reshape(channels, height, width)
    edged = np.pad(places, around, mode="edge")
    image = moved(context, node, given, edged.reshape(-1), edged.shape)
    held = context.builder.settled(image) if isinstance(image, Deferred) else image
    if not isinstance(held, TensorRef):
        raise CompileError(f"{node.where}: its input isn't quantized")
    tensor = context.builder.seen(held)
    weights = np.einsum("ar,bc->abrc", rows, columns).reshape(1, up * left, 1, high, wide)
    steps = context.builder.scales(tensor)
    each = (*steps,) * (channels // len(steps)) if len(steps) == 1 else steps
    unit = Fraction(1, math.prod(2 * factor for factor in by_side))
    core = LinearExpr(
        where=node.where,
        input=tensor,
        weights=np.repeat(weights, channels, 0).reshape(-1, 1, high, wide).astype(np.int16),
        scale=tuple(step * unit for step in each for _ in range(up * left)),
        bias=(Fraction(0),) * (channels * up * left),
        shape=(channels * up * left, height, width),
        window=Window((high, wide)),
        groups=channels,
    )
    parts = np.arange(channels * up * left * height * width, dtype=np.int64)
    between = parts.reshape(channels, up, left, height, width).transpose(0, 3, 1, 4, 2)
    shape = signal_or_image((channels, height * up, width * left), given.shape)
    return moved(context, node, Deferred(core, core.shape), between.reshape(-1), shape)


def _taps(factor: int, mode: str) -> NDArray[np.int64]:
    """The weights [phases, taps] of the places around one, in units of 1 / (2 factor)."""
    if factor == 1:
        return np.full((1, 1), 2)
    taps = np.zeros((factor, 3), np.int64)
    for phase in range(factor):
        beyond = 2 * phase if mode == "asymmetric" else 2 * phase + 1 - factor
        taps[phase, 1] = 2 * factor - abs(beyond)
        taps[phase, 2 if beyond > 0 else 0] += abs(beyond)
    return taps
