"""Windows of convolutions and poolings, as ONNX's attributes give them."""

from __future__ import annotations

import math
from dataclasses import replace

from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.ir.graph import Window
from quantbench.c99.ir.sizes import MAX_NUMBERS
from quantbench.errors import CompileError

ATTRIBUTES = frozenset({"kernel_shape", "strides", "pads", "dilations", "auto_pad"})
_MAX = 2**15
"""The largest size of any kind, so that no product of two is beyond a word."""


def window(
    node: OnnxNode, kernel: tuple[int, ...], image: tuple[int, int], dimensions: int
) -> Window:
    """The window of a node of 1 or 2 dimensions; that of a signal has one row.

    Raises CompileError unless its attributes have so many and ONNX allows them.
    """
    ones = (1,) * dimensions
    sizes = _pair(node, "kernel", kernel, dimensions)
    strides = _pair(node, "strides", node.wholes("strides") or ones, dimensions)
    dilations = _pair(node, "dilations", node.wholes("dilations") or ones, dimensions)
    pads = _pads(node, (sizes, strides, dilations), image, dimensions)
    return Window(sizes, strides, pads, dilations)


def kernel_shape(node: OnnxNode) -> tuple[int, ...]:
    """The attribute kernel_shape. Raises CompileError where it is missing."""
    kernel = node.wholes("kernel_shape")
    if kernel is None:
        raise CompileError(f"{node.where}: it has no kernel_shape")
    return kernel


def whole(window: Window) -> tuple[int, int]:
    """The height and width that one window spans, dilation included."""
    (kh, kw), (dh, dw) = window.kernel, window.dilations
    return (kh - 1) * dh + 1, (kw - 1) * dw + 1


def output_size(node: OnnxNode, window: Window, image: tuple[int, int]) -> tuple[int, int]:
    """The height and width of the output. Raises CompileError where the window doesn't fit."""
    top, left, bottom, right = window.pads
    sides = []
    for size, before, after, span, stride in zip(
        image, (top, left), (bottom, right), whole(window), window.strides, strict=True
    ):
        free = size + before + after - span
        if free < 0:
            raise CompileError(f"{node.where}: its window of {span} is wider than its input")
        sides.append(free // stride + 1)
    if math.prod(sides) > MAX_NUMBERS:
        raise CompileError(f"{node.where}: its output of {sides} is too large")
    return sides[0], sides[1]


def with_last_window(node: OnnxNode, window: Window, image: tuple[int, int]) -> Window:
    """The window with the pads at the end that ceil_mode's last windows reach into.

    As ONNX has it, a window must begin within the image or the pads in front of it.
    """
    if not node.whole("ceil_mode", 0):
        return window
    top, left, *ends = window.pads
    after = []
    for size, before, end, span, stride in zip(
        image, (top, left), ends, whole(window), window.strides, strict=True
    ):
        free = size + before + end - span
        last = -(-free // stride) * stride
        more = last - free if free >= 0 and last < size + before else 0
        after.append(end + more)
    return replace(window, pads=(top, left, after[0], after[1]))


def padded(window: Window) -> bool:
    """Whether the window has pads."""
    return any(window.pads)


def apart(window: Window) -> bool:
    """Whether windows don't overlap and have no gaps inside."""
    return window.strides == window.kernel and window.dilations == (1, 1)


def _pads(
    node: OnnxNode,
    sizes: tuple[tuple[int, int], tuple[int, int], tuple[int, int]],
    image: tuple[int, int],
    dimensions: int,
) -> tuple[int, int, int, int]:
    """Pads top, left, bottom, right; `sizes`: kernel, strides and dilations."""
    how = node.text("auto_pad", "NOTSET")
    if how == "VALID":
        return 0, 0, 0, 0
    if how in ("SAME_UPPER", "SAME_LOWER"):
        before, after = [], []
        for size, k, stride, dilation in zip(image, *sizes, strict=True):
            total = max((-(-size // stride) - 1) * stride + (k - 1) * dilation + 1 - size, 0)
            less, more = total // 2, total - total // 2
            before.append(less if how == "SAME_UPPER" else more)
            after.append(more if how == "SAME_UPPER" else less)
        return before[0], before[1], after[0], after[1]
    if how != "NOTSET":
        raise CompileError(
            f"{node.where}: auto_pad NOTSET, VALID, SAME_UPPER and SAME_LOWER are supported"
        )
    pads = node.wholes("pads") or (0, 0) * dimensions
    if len(pads) != 2 * dimensions or not all(0 <= pad <= _MAX for pad in pads):
        number = {1: "two", 2: "four"}[dimensions]
        raise CompileError(f"{node.where}: {number} pads from 0 to {_MAX:,} are supported")
    if dimensions == 1:
        return 0, pads[0], 0, pads[1]
    return pads[0], pads[1], pads[2], pads[3]


def _pair(node: OnnxNode, what: str, values: tuple[int, ...], dimensions: int) -> tuple[int, int]:
    if len(values) != dimensions or not all(1 <= value <= _MAX for value in values):
        number = {1: "one dimension", 2: "two dimensions, each"}[dimensions]
        raise CompileError(f"{node.where}: {what} of {number} from 1 to {_MAX:,}, is supported")
    return (1, values[0]) if dimensions == 1 else (values[0], values[1])
