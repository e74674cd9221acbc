"""Choice of the faster portable code, by the shape of a layer."""

from __future__ import annotations

from quantbench.c99.emit.fragments import needs_int16
from quantbench.c99.ir.code import Code
from quantbench.c99.ir.graph import Step
from quantbench.c99.nodes.conv import Conv
from quantbench.c99.speed import blocked_conv, depthwise
from quantbench.c99.speed.tables import takes_upper_half


def code(step: Step) -> Code:
    """The portable C of a step that takes the fewest instructions, of the forms that fit it."""
    node = step.work
    if (
        not isinstance(node, Conv)
        or step.output.type != "uint8"
        or needs_int16(node.weights)
        or not takes_upper_half(node.requantize)
    ):
        return node.emit(step)
    if depthwise.fits(step, node):
        return depthwise.code(step, node)
    if blocked_conv.fits(step, node):
        return blocked_conv.code(step, node)
    return node.emit(step)
