"""Resizing: to the nearest place is a choice of values, linear a convolution or a node."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.frontend.builder import Builder, Deferred, Expr, IdentityExpr, TensorRef
from quantbench.c99.frontend.context import Context, channels_and_image, signal_or_image
from quantbench.c99.frontend.formats import FREE, Format, Limits
from quantbench.c99.frontend.linear import LinearExpr, one_if_alike
from quantbench.c99.frontend.mixing import FINE, Reach
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.rearranging import moved, require_few
from quantbench.c99.frontend.values import Value
from quantbench.c99.ir.graph import Reals, Shape, Tensor, Window
from quantbench.c99.nodes.interpolate import Axis, Interpolate
from quantbench.errors import CompileError
from quantbench.numerics.fixed_point import require_word

MODES = ("asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners")
_ROUNDINGS: Mapping[str, Callable[[Reals], Reals]] = {
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}
_NEAR = Fraction(1, 2**10)
"""What float32 scales may leave of a place that is whole."""
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


def interpolated(
    context: Context, node: OnnxNode, sizes: tuple[int, ...], factors: Sequence[Fraction], mode: str
) -> Value:
    """An image or a signal of other height and width: `sizes`, by `factors`, of these axes."""
    given = context.settled(node, 0, words=not context.builder.held)
    bytes = not context.builder.held and not context.is_wide(given.tensor)
    whole = all(factor.denominator == 1 and 1 <= factor <= _MOST for factor in factors)
    if bytes and whole and mode != "align_corners":
        return _by_whole_factors(context, node, given, [int(factor) for factor in factors], mode)
    tensor, (channels, *image) = context.as_image(node, given)
    columns = zip((1, *sizes)[-2:], image, (Fraction(1), *factors)[-2:], strict=True)
    if mode == "align_corners" and any(abs(n - size * by) > _NEAR for n, size, by in columns):
        raise CompileError(
            f"{node.where}: linear, with align_corners, its scales give no whole sizes, of which "
            "ONNX and its runtimes make different places; sizes are supported"
        )
    by_axis = [
        Axis.at(_positions(size, output, factor, mode), size)
        for size, output, factor in zip(
            image, (1, *sizes)[-2:], (Fraction(1), *factors)[-2:], strict=True
        )
    ]
    shape = (channels, *(len(axis.first) for axis in by_axis))
    require_few(node, shape)
    context.builder.spend(sum(shape[1:]))
    core = InterpolateExpr(node.where, tensor, shape, *by_axis)
    return Deferred(core, signal_or_image(shape, given.shape))


def _positions(size: int, output: int, factor: Fraction, mode: str) -> list[Fraction]:
    """Where each output lies between the places of an axis, as ONNX's modes say."""
    if mode == "align_corners":
        return [Fraction(at * (size - 1), max(1, output - 1)) for at in range(output)]
    if mode == "asymmetric":
        return [at / factor for at in range(output)]
    if mode == "pytorch_half_pixel" and output == 1:
        return [Fraction(0)]
    return [(at + Fraction(1, 2)) / factor - Fraction(1, 2) for at in range(output)]


@dataclass(frozen=True, eq=False)
class InterpolateExpr(Expr):
    """An image, interpolated along both axes."""

    where: str
    input: str
    shape: Shape
    rows: Axis
    columns: Axis

    def lower(self, builder: Builder, name: str, limits: Limits, format: Format) -> str:
        if format.type == "float32":
            output = builder.add(name, self.shape, format)
            builder.nodes.append(
                Interpolate(self.where, self.input, output, self.rows, self.columns)
            )
            return IdentityExpr(self.where, output, self.shape).lower(builder, name, limits, format)
        held = self.sums(builder, f"before {name}", FREE)
        return builder.mixed(self.where, (held,), name, limits, format)

    def sums(self, builder: Builder, name: str, limits: Limits) -> str:
        """Add the node of integers; its sums are of 32 bits. Raises CompileError beyond them."""
        if limits != FREE:
            raise CompileError(f"{self.where}: its output isn't quantized, and is clamped")
        tensor = builder.fine(self.where, self.input)
        given, units = builder.tensors[tensor], self.rows.unit * self.columns.unit
        require_word((FINE if given.type == "int32" else 255) * units, self.where)
        scale = one_if_alike(self.where, tuple(step / units for step in given.scale))
        output = builder.keep(Tensor(name, self.shape, "int32", scale))
        builder.reaches[output] = builder.reach(tensor)
        builder.nodes.append(Interpolate(self.where, tensor, output, self.rows, self.columns))
        return output

    def as_words(self, builder: Builder, name: str, limits: Limits) -> str | None:
        return (
            self.sums(builder, name, FREE)
            if limits == FREE
            else super().as_words(builder, name, limits)
        )

    def reach(self, builder: Builder) -> Reach:
        return builder.reach(self.input)


def _by_whole_factors(
    context: Context, node: OnnxNode, given: TensorRef, whole: Sequence[int], mode: str
) -> Value:
    """An image or a signal of integers, larger by whole factors of height and width.

    Each phase of the output weighs neighbours by multiples of 1 / (2 factor); behind the border
    the last values are repeated.
    """
    channels, height, width = channels_and_image(node, given.shape)
    by_side = (1, *whole)[-2:]
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
