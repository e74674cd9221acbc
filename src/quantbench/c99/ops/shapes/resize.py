"""Resize: by the nearest place to any size, or linear to any height and width, without a filter."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.interpolation import MODES, interpolated, nearest_places
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.rearranging import rearranged, require_few
from quantbench.c99.frontend.values import Value
from quantbench.errors import CompileError

NAME = "Resize"
INPUTS = (1, 4)
ATTRIBUTES = frozenset(
    {
        "mode", "coordinate_transformation_mode", "nearest_mode", "cubic_coeff_a",
        "exclude_outside", "extrapolation_value",
    }
)  # fmt: skip


def from_onnx(context: Context, node: OnnxNode) -> Value:
    shape = (1, *context.moved(node, 0).shape)
    sizes, scales = _sizes(context, node, shape)
    kind = node.text("mode", "nearest")
    old = context.network.opset == 10
    mode = node.text("coordinate_transformation_mode", "asymmetric" if old else "half_pixel")
    if kind not in ("nearest", "linear") or mode not in MODES or node.whole("exclude_outside", 0):
        raise CompileError(
            f"{node.where}: nearest and linear, with {', '.join(MODES)}, are supported"
        )
    require_few(node, sizes)
    if kind == "linear":
        if sizes[:2] != shape[:2]:
            raise CompileError(
                f"{node.where}: linear, it resizes channels; other axes are supported"
            )
        return interpolated(context, node, sizes[2:], scales[2:], mode)

    def choose(values: NDArray[Any]) -> NDArray[Any]:
        places = [
            nearest_places(node, size, output, float(scale), mode)
            for size, output, scale in zip(values.shape, sizes, scales, strict=True)
        ]
        return values[np.ix_(*places)]

    return rearranged(context, node, choose)


def _sizes(
    context: Context, node: OnnxNode, shape: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[Fraction, ...]]:
    """The size of each axis, the batch taken as 1, and how many times as large it is."""
    at = 1 if context.network.opset == 10 else 2
    sizes = context.wholes(node, 3)
    factors = context.constant(node, at)
    if sizes:
        if len(sizes) != len(shape):
            raise CompileError(f"{node.where}: its sizes {[*sizes]} aren't one for each axis")
        wanted = (1, *sizes[1:])
        return wanted, tuple(Fraction(new, old) for new, old in zip(wanted, shape, strict=True))
    fits = factors is not None and factors.dtype == np.float32 and factors.shape == (len(shape),)
    if factors is None or not fits or not (np.isfinite(factors).all() and factors[0] == 1):
        raise CompileError(
            f"{node.where}: its scales are supported as finite float32, one for each axis and 1 "
            "for the batch"
        )
    scales = tuple(Fraction(factor) for factor in factors.tolist())
    return tuple(int(size * factor) for size, factor in zip(shape, scales, strict=True)), scales
