"""Constants that differ by place: a number for each number of an activation, or along some axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from quantbench.c99.frontend.affine import affine_of
from quantbench.c99.frontend.builder import Deferred
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.ir.graph import Reals, Shape
from quantbench.errors import CompileError

_MAX_PLACES = 2**14
"""Places with a constant each: integers have a table of up to 256 bytes for each."""


def differs_by_place(numbers: Shape, shape: Shape) -> bool:
    """Whether a constant's dimensions, but the channels' of an activation, are more than 1."""
    own = (1,) * (len(shape) + 1 - len(numbers)) + numbers
    return any(size != 1 for axis, size in enumerate(own) if axis != 1)


def spread(node: OnnxNode, numbers: Reals, shape: Shape) -> Reals:
    """The number of each place of an activation of `shape`, in ONNX's order.

    Raises CompileError where the numbers don't fit, or places are too many.
    """
    batch = numbers.ndim > len(shape) and numbers.shape[0] == 1
    own = numbers.shape[1:] if batch else numbers.shape
    pairs = zip(reversed(own), reversed(shape), strict=False)
    if len(own) > len(shape) or any(size not in (1, whole) for size, whole in pairs):
        raise CompileError(f"{node.where}: its constant {[*numbers.shape]} doesn't fit {[*shape]}")
    if math.prod(shape) > _MAX_PLACES:
        raise CompileError(
            f"{node.where}: constants for {math.prod(shape):,} places; up to {_MAX_PLACES:,} are "
            "supported, beside one and one for each channel"
        )
    return np.ascontiguousarray(np.broadcast_to(numbers.reshape(own), shape)).reshape(-1)


def affine_by_place(
    context: Context, node: OnnxNode, at: int, factors: Sequence[Fraction],
    constants: Sequence[Fraction],
) -> Deferred:  # fmt: skip
    """Input number `at` times a factor and plus a constant of each place.

    Its places are seen as channels of an image of one pixel.
    """
    ref = context.settled(node, at)
    pixel = replace(ref, shape=(len(factors), 1, 1))
    return replace(affine_of(context, node, pixel, factors, constants), shape=ref.shape)
