"""Convolutions and fully connected layers of float32 in wide registers.

The same packing, tiles and text as integers have, with one value a lane, so that the two differ in
nothing but the numbers.
"""

from __future__ import annotations

import numpy as np

from quantbench.c99.emit.c_syntax import aligned, array
from quantbench.c99.emit.scalar import pad_call
from quantbench.c99.emit.translation_unit import FastCode
from quantbench.c99.ir.graph import Step
from quantbench.c99.nodes.conv import Conv
from quantbench.c99.nodes.dense import Dense
from quantbench.c99.simd.dot_product import products
from quantbench.c99.simd.loop_nest import Ending, function
from quantbench.c99.simd.tiling import (
    Shape,
    conv_shape,
    dense_shape,
    groups,
    passes,
)
from quantbench.c99.target.isa import FMA


def code(step: Step) -> FastCode | None:
    """None where the portable kernel must do."""
    node = step.work
    into, out = step.inputs[0].shape, step.output.shape
    if isinstance(node, Dense):
        return _layer(step, node, dense_shape(node.weights))
    if not isinstance(node, Conv) or node.groups != 1:
        return None
    return _layer(step, node, conv_shape(into, out, node.window, node.pooling, node.weights))


def _layer(step: Step, node: Conv | Dense, shape: Shape) -> FastCode:
    name, given = step.identifier, step.inputs[0]
    limits = {"low": node.low, "high": node.high}
    pads = node.window.pads if isinstance(node, Conv) else (0, 0, 0, 0)
    source, calls, room = given.at, [], 0
    if any(pads):
        channels, height, _ = given.shape
        room = (height + pads[0] + pads[2]) * shape.width * channels
        source, calls = "TEMPORARY", [pad_call(given, "TEMPORARY", pads, "0.0F")]
    many = shape.positions if shape.pooling.kind == "average" else 1
    ending = Ending(limits["low"] is not None, limits["high"] is not None, None, "float", many)
    tables = {"start": node.bias} | {
        limit: values for limit, values in limits.items() if values is not None
    }
    rest = -shape.outputs % 16
    constants = {
        f"{name}_{field}": aligned(array("float", f"{name}_{field}", np.pad(values, (0, rest))))
        for field, values in tables.items()
    }
    parts = []
    for number, group in enumerate(groups(shape)):
        for at, one in enumerate(passes(group, shape, FMA)):
            own = f"{name}_{number}_{at}"
            more, its = products(f"{name}_{number}", own, shape, one, FMA)
            constants |= more
            parts.append(function(own, name, its, ending, shape, one, FMA))
            calls.append(f"{own}({source}, {step.output.at});")
    return FastCode(constants, "".join(parts), tuple(calls), room)
