"""Conv: convolves signals and images, with groups, by constant weights."""

from __future__ import annotations

from dataclasses import replace

from quantbench.c99.frontend import windows, zero_points
from quantbench.c99.frontend.builder import Deferred
from quantbench.c99.frontend.context import Context, signal_or_image
from quantbench.c99.frontend.linear import LinearExpr, output_scales
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Value
from quantbench.errors import CompileError

NAME = "Conv"
INPUTS = (2, 3)
ATTRIBUTES = windows.ATTRIBUTES | {"group"}


def from_onnx(context: Context, node: OnnxNode) -> Value:
    centred = zero_points.depthwise_input(context, node)
    ref = centred or context.layer_input(node)
    tensor, (channels, *image) = context.as_image(node, ref)
    size, given = (image[0], image[1]), ref.shape
    weights = context.weights(node, 1, rank=len(given) + 1, axis=0, input=ref)
    outputs, inputs, *kernel = weights.values.shape
    groups = node.whole("group", 1)
    if groups < 1 or outputs % groups or inputs * groups != channels:
        raise CompileError(
            f"{node.where}: its weights {weights.values.shape} in {groups} groups don't fit its "
            f"{channels} channels"
        )
    if (node.wholes("kernel_shape") or tuple(kernel)) != tuple(kernel):
        raise CompileError(f"{node.where}: its kernel_shape isn't that of its weights")
    window = windows.window(node, tuple(kernel), size, len(kernel))
    scale = output_scales(context, node, tensor, weights, outputs, depthwise=inputs == 1)
    shape = (outputs, *windows.output_size(node, window, size))
    if centred and windows.padded(window):
        tensor = zero_points.framed(context.builder, node.where, tensor, window.pads)
        window = replace(window, pads=(0, 0, 0, 0))
    core = LinearExpr(
        where=node.where,
        input=tensor,
        weights=weights.values.reshape(outputs, inputs, *window.kernel),
        scale=scale,
        bias=context.addends(node, 2, scale, shape),
        shape=shape,
        window=window,
        groups=groups,
        wide=context.is_wide(tensor),
    )
    return Deferred(core, signal_or_image(shape, given))
