"""Poolings: fused behind a layer where there is one, else nodes by themselves."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from quantbench.c99.frontend import boundary, windows
from quantbench.c99.frontend.builder import (
    COST,
    Builder,
    Deferred,
    Expr,
    IdentityExpr,
    PostStep,
    TensorRef,
    step_ratio,
)
from quantbench.c99.frontend.context import Context, channels_and_image, signal_or_image
from quantbench.c99.frontend.formats import FREE, Format, Limits
from quantbench.c99.frontend.linear import one_if_alike, poolable
from quantbench.c99.frontend.mixing import FINE, fine_format
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.shapes import before_step
from quantbench.c99.ir.graph import Pooling, Requantization, Shape, Tensor, Window
from quantbench.c99.nodes.pool import Pool
from quantbench.c99.nodes.smallest import Smallest
from quantbench.errors import CompileError
from quantbench.numerics.fixed_point import multiplier, require_word

ATTRIBUTES = windows.ATTRIBUTES | {"ceil_mode"}
_MAX_COUNTED = 4096
"""Positions of an average that leaves out its pads: it has a multiplier for each number of them."""


@dataclass(frozen=True)
class AvgPoolExpr(Expr):
    """An average pooling that isn't fused; `summed`: the sum instead of the average."""

    where: str
    input: str
    shape: Shape
    window: Window
    count_pads: bool
    summed: bool = False

    def lower(self, builder: Builder, name: str, limits: Limits, format: Format) -> str:
        if format.type == "float32":
            output = builder.add(name, self.shape, format)
            builder.nodes.append(self._pool(output, None))
            return IdentityExpr(self.where, output, self.shape).lower(builder, name, limits, format)
        if "int32" in (format.type, builder.tensors[self.input].type):
            held = self.as_words(builder, f"sums of {name}", FREE)
            return builder.mixed(self.where, (held,), name, limits, format)
        output = builder.add(name, self.shape, format)
        whole = math.prod(self.window.kernel)
        if not self.count_pads and whole > _MAX_COUNTED:
            raise CompileError(
                f"{self.where}: an average that leaves out its pads is supported up to "
                f"{_MAX_COUNTED:,} places"
            )
        require_word(255 * whole, self.where)
        builder.spend(COST * (1 if self.count_pads else whole))
        ratio = step_ratio(builder, self.where, self.input, format)
        counts = range(whole if self.count_pads else 1, whole + 1)
        divisors = (1,) if self.summed else counts
        factors = tuple(multiplier(ratio / count, self.where) for count in divisors)
        ends = boundary.integers(self.where, limits, format)
        builder.nodes.append(self._pool(output, Requantization(factors, format.zero_point, *ends)))
        return output

    def as_words(self, builder: Builder, name: str, limits: Limits) -> str:
        held = self.sums(builder, name, FREE)
        if held is None:
            raise CompileError(
                f"{self.where}: an average of values, or read by an operator, that nothing "
                "quantizes is supported where its pads count"
            )
        ends, times = builder.reach(self.input), math.prod(self.window.kernel) * self.summed or 1
        builder.reaches[held] = min(ends[0] * times, 0.0), max(ends[1] * times, 0.0)
        if limits == FREE:
            return held
        reach = limits.within(builder.reaches[held])
        cut = builder.mixed(
            self.where, (held,), f"{name} cut", limits, fine_format(self.where, reach)
        )
        builder.reaches[cut] = reach
        return cut

    def sums(self, builder: Builder, name: str, limits: Limits) -> str | None:
        if limits != FREE or not self.count_pads:
            return None
        given = builder.tensors[builder.fine(self.where, self.input)]
        whole = math.prod(self.window.kernel)
        require_word((FINE if given.type == "int32" else 255) * whole, self.where)
        divisor = 1 if self.summed else whole
        scale = tuple(step / divisor for step in given.scale)
        scale = one_if_alike(self.where, scale)
        output = builder.keep(Tensor(name, self.shape, "int32", scale))
        builder.nodes.append(replace(self, input=given.name)._pool(output, None))
        return output

    def _pool(self, output: str, requantize: Requantization | None) -> Pool:
        return Pool(
            name=self.where,
            input=self.input,
            output=output,
            kind="sum" if self.summed else "average",
            window=self.window,
            count_pads=self.count_pads,
            requantize=requantize,
        )


@dataclass(frozen=True)
class MaxPoolExpr(PostStep):
    """The largest of each window: rounding keeps order, so it commutes with a maximum."""

    where: str
    window: Window
    shape: Shape

    def lower(self, builder: Builder, name: str, tensor: str) -> str:
        output = builder.add(name, self.shape, builder.format(tensor))
        builder.nodes.append(Pool(self.where, tensor, output, "max", self.window, False))
        return output


@dataclass(frozen=True)
class SmallestExpr(PostStep):
    """The smallest value of each channel: rounding keeps order, so it commutes with a minimum."""

    where: str
    shape: Shape

    def lower(self, builder: Builder, name: str, tensor: str) -> str:
        output = builder.add(name, self.shape, builder.format(tensor))
        builder.nodes.append(Smallest(self.where, tensor, output))
        return output


def pool_window(node: OnnxNode, shape: Shape) -> tuple[Window, Shape]:
    """The window of an AveragePool or a MaxPool, and the shape of its output."""
    channels, *image = channels_and_image(node, shape)
    size = (image[0], image[1])
    window = windows.window(node, windows.kernel_shape(node), size, len(shape) - 1)
    ceiled = windows.with_last_window(node, window, size)
    if ceiled != window and node.whole("count_include_pad", 0):
        raise CompileError(
            f"{node.where}: ceil_mode is supported where pads don't count in the average"
        )
    window = ceiled
    (kh, kw), (top, left, bottom, right) = window.kernel, window.pads
    spread = window.dilations != (1, 1)
    if max(top, bottom) >= kh or max(left, right) >= kw or (spread and any(window.pads)):
        raise CompileError(
            f"{node.where}: pads smaller than the kernel, and none with dilations, are supported"
        )
    return window, (channels, *windows.output_size(node, window, size))


def average(
    context: Context, node: OnnxNode, value: TensorRef | Deferred, window: Window, shape: Shape, *,
    count_pads: bool,
) -> Deferred:  # fmt: skip
    """The average of the node's input `value`; its shape is the image `shape`."""
    seen = signal_or_image(shape, value.shape)
    core = poolable(value)
    if core and isinstance(value, Deferred) and not windows.padded(window):
        pooling = Pooling("average", window)
        fused = replace(core, limits=value.limits, pooling=pooling, shape=shape)
        return Deferred(fused, seen, slack=value.slack)
    tensor, _ = context.image(node, 0, words=not context.builder.held)
    return Deferred(AvgPoolExpr(node.where, tensor, shape, window, count_pads), seen)


def largest(
    context: Context, node: OnnxNode, value: TensorRef | Deferred, window: Window, shape: Shape
) -> Deferred:
    """The largest of each window of the node's input `value`; its shape is the image `shape`."""
    seen = signal_or_image(shape, value.shape)
    core = poolable(value)
    fits = windows.apart(window) and not windows.padded(window)
    if core and fits and isinstance(value, Deferred):
        fused = replace(core, pooling=Pooling("max", window), shape=shape)
        return replace(value, core=fused, shape=seen, grid=None)
    deferred = before_step(context, node, value)
    step = MaxPoolExpr(node.where, window, shape)
    return replace(deferred, steps=(*deferred.steps, step), shape=seen)


def smallest(
    context: Context, node: OnnxNode, value: TensorRef | Deferred, shape: Shape
) -> Deferred:
    """The smallest of each channel of the node's input `value`; its shape is the image `shape`."""
    deferred = before_step(context, node, value)
    steps = (*deferred.steps, SmallestExpr(node.where, shape))
    return replace(deferred, steps=steps, shape=signal_or_image(shape, value.shape))


def global_average(context: Context, node: OnnxNode) -> Deferred:
    """The mean of an image's height and width, as [C, 1, 1]; that of a signal as [C, 1]."""
    value = context.activation(node, 0)
    window, shape = whole_image(node, value.shape)
    return average(context, node, value, window, shape, count_pads=True)


def whole_image(node: OnnxNode, shape: Shape) -> tuple[Window, Shape]:
    """The window that is the image, and the shape of a pooling by it."""
    channels, height, width = channels_and_image(node, shape)
    return Window((height, width), strides=(height, width)), (channels, 1, 1)
