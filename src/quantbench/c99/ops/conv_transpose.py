"""ConvTranspose: each place of a stride is a convolution; their outputs lie between one another.

Output y of stride s reads the taps k with y + pad = s i + k of the inputs i: those of one remainder
(y + pad) mod s. So it is a convolution of stride 1 with s channels for each output channel, whose
kernel has ceil(k / s) taps, and a rearrangement.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from quantbench.c99.frontend import windows
from quantbench.c99.frontend.builder import Deferred
from quantbench.c99.frontend.context import Context, signal_or_image
from quantbench.c99.frontend.linear import LinearExpr, output_scales
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.rearranging import moved, require_few
from quantbench.c99.frontend.values import Factors, Value
from quantbench.c99.ir.graph import Order, Window
from quantbench.errors import CompileError

NAME = "ConvTranspose"
INPUTS = (2, 3)
ATTRIBUTES = windows.ATTRIBUTES | {"group", "output_padding"}


def from_onnx(context: Context, node: OnnxNode) -> Value:
    given = context.layer_input(node)
    tensor, (channels, *image) = context.as_image(node, given)
    weights = context.weights(node, 1, rank=len(given.shape) + 1, axis=1, input=given)
    inputs, each, *kernel = weights.values.shape
    groups = node.whole("group", 1)
    if groups < 1 or inputs != channels or channels % groups:
        raise CompileError(
            f"{node.where}: its weights {weights.values.shape} in {groups} groups don't fit its "
            f"{channels} channels"
        )
    if node.text("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        raise CompileError(f"{node.where}: auto_pad NOTSET and VALID are supported")
    if groups > 1 and weights.axis is not None and weights.scale.size > 1:
        raise CompileError(f"{node.where}: in groups, its weights are supported with one scale")
    outputs = each * groups
    sides = _sides(node, (image[0], image[1]), tuple(kernel))
    require_few(node, (outputs, *(side.output for side in sides)))
    scale = output_scales(context, node, tensor, weights, outputs, depthwise=channels == groups)
    shape = (outputs, *(side.output for side in sides))
    phases = math.prod(side.stride for side in sides)
    seen = signal_or_image(shape, given.shape)
    bias = context.addends(node, 2, scale, seen)
    core = LinearExpr(
        where=node.where,
        input=tensor,
        weights=_by_phase(weights.values.reshape(inputs, each, *_two(kernel)), groups, sides),
        scale=_repeated(scale, each, phases),
        bias=_repeated(bias, each, phases),
        shape=(outputs * phases, *(side.places for side in sides)),
        window=Window(
            (sides[0].taps, sides[1].taps),
            pads=(sides[0].before, sides[1].before, sides[0].after, sides[1].after),
        ),
        groups=groups,
        wide=context.is_wide(tensor),
    )
    between = Deferred(core, core.shape)
    return moved(context, node, between, _between(groups, each, sides), seen)


@dataclass(frozen=True)
class _Side:
    """The height or the width."""

    stride: int
    dilation: int
    taps: int
    """The taps of the kernel of each phase."""
    pad: int
    """Outputs that are left out before the first."""
    first: int
    """The input behind the last tap of the first place."""
    before: int
    after: int
    """Zeros around the input."""
    places: int
    output: int


def _sides(node: OnnxNode, image: tuple[int, int], kernel: tuple[int, ...]) -> list[_Side]:
    if (node.wholes("kernel_shape") or kernel) != kernel:
        raise CompileError(f"{node.where}: its kernel_shape isn't that of its weights")
    window = windows.window(node, kernel, image, len(kernel))
    more = node.wholes("output_padding") or (0,) * len(kernel)
    if len(more) != len(kernel) or min(more) < 0:
        raise CompileError(f"{node.where}: its output_padding doesn't fit its dimensions")
    top, left, bottom, right = window.pads
    sides = []
    for size, span, stride, dilation, pads, extra in zip(
        image, windows.whole(window), window.strides, window.dilations,
        ((top, bottom), (left, right)), _two(more, 0), strict=True,
    ):  # fmt: skip
        output = stride * (size - 1) + extra + span - sum(pads)
        if output < 1 or extra >= max(stride, dilation):
            raise CompileError(f"{node.where}: its pads and output_padding leave no output")
        taps = -(-span // stride)
        first = min(pads[0] // stride, taps - 1)
        after = max(0, (pads[0] + output - 1) // stride - (size - 1))
        before = taps - 1 - first
        places = size + before + after - taps + 1
        sides.append(_Side(stride, dilation, taps, pads[0], first, before, after, places, output))
    return sides


def _two(sizes: list[int] | tuple[int, ...], other: int = 1) -> tuple[int, int]:
    """Height and width; a signal has one row."""
    return (other, sizes[0]) if len(sizes) == 1 else (sizes[0], sizes[1])


def _repeated(values: tuple[Fraction, ...], each: int, phases: int) -> tuple[Fraction, ...]:
    """The numbers of each group's `each` outputs, once for each phase."""
    groups = (values[at : at + each] for at in range(0, len(values), each))
    return tuple(number for group in groups for _ in range(phases) for number in group)


def _by_phase(weights: Factors, groups: int, sides: list[_Side]) -> Factors:
    """Weights [I, O / groups, kh, kw] as [groups, phases, O / groups, I / groups, taps, taps].

    The first three are one dimension. Taps stand in the other direction, as a convolution has them.
    """
    inputs, each, *kernel = weights.shape
    rows, columns = sides
    height, width = (
        (size - 1) * side.dilation + 1 for size, side in zip(kernel, sides, strict=True)
    )
    whole = np.zeros(
        (groups, inputs // groups, each, rows.taps * rows.stride, columns.taps * columns.stride),
        weights.dtype,
    )
    whole[..., : height : rows.dilation, : width : columns.dilation] = weights.reshape(
        groups, inputs // groups, each, *kernel
    )
    split = whole.reshape(*whole.shape[:3], rows.taps, rows.stride, columns.taps, columns.stride)
    turned = split[:, :, :, ::-1, :, ::-1].transpose(0, 4, 6, 2, 1, 3, 5)
    return np.ascontiguousarray(turned).reshape(-1, *turned.shape[4:])


def _between(groups: int, each: int, sides: list[_Side]) -> Order:
    """The index that puts the phases' outputs between one another, and leaves the pads out."""
    rows, columns = sides
    shape = (groups, rows.stride, columns.stride, each, rows.places, columns.places)
    numbers = np.arange(math.prod(shape), dtype=np.int64).reshape(shape)
    places = numbers.transpose(0, 3, 1, 2, 4, 5).reshape(groups * each, *shape[1:3], *shape[4:])
    y, x = (np.arange(side.output) + side.pad for side in sides)
    chosen = places[
        :,
        (y % rows.stride)[:, None],
        (x % columns.stride)[None, :],
        (y // rows.stride - rows.first)[:, None],
        (x // columns.stride - columns.first)[None, :],
    ]
    return chosen.reshape(-1)
