"""SIMD code of float32 convolutions and fully connected layers.

Packing, tiles and loops are those of integers, with one value in each lane: the two differ in
their instructions only.
"""

from __future__ import annotations

import numpy as np

from quantbench.c99.emit.c_syntax import array
from quantbench.c99.emit.fragments import WORKSPACE, pad_call
from quantbench.c99.emit.translation_unit import SimdCode
from quantbench.c99.ir.graph import Step
from quantbench.c99.ir.weights import PackedWeights
from quantbench.c99.nodes.conv import Conv
from quantbench.c99.nodes.dense import Dense
from quantbench.c99.simd import depthwise_float32
from quantbench.c99.simd.dot_product import products
from quantbench.c99.simd.loop_nest import Epilogue, function
from quantbench.c99.simd.tiling import (
    ConvGeometry,
    conv_geometry,
    dense_geometry,
    groups,
    register_tiles,
)
from quantbench.c99.target.isa import Isa


def code(step: Step, isa: Isa) -> SimdCode | None:
    """The C of a step for `isa`; None where the portable kernel must do."""
    node = step.work
    shapes = step.inputs[0].shape, step.output.shape
    if isinstance(node, Dense):
        return _layer(step, node, dense_geometry(node.weights), isa)
    if not isinstance(node, Conv):
        return None
    if node.groups != 1:
        bits = depthwise_float32.bits(step, node, isa)
        return depthwise_float32.code(step, node, bits) if bits else None
    geometry = conv_geometry(*shapes, node.window, node.pooling, node.weights)
    return _layer(step, node, geometry, isa)


def _layer(step: Step, node: Conv | Dense, geometry: ConvGeometry, isa: Isa) -> SimdCode:
    name, image = step.identifier, step.inputs[0]
    limits = {"low": node.low, "high": node.high}
    pads = node.window.pads if isinstance(node, Conv) else (0, 0, 0, 0)
    source, calls, workspace = image.at, [], 0
    if any(pads):
        channels, height, _ = image.shape
        workspace = (height + pads[0] + pads[2]) * geometry.width * channels
        source, calls = WORKSPACE, [pad_call(image, WORKSPACE, pads, "0.0F")]
    epilogue = Epilogue(
        low=limits["low"] is not None,
        high=limits["high"] is not None,
        requantize=None,
        output="float",
        mean=geometry.positions if geometry.pooling.kind == "average" else 1,
    )
    tables = {"start": node.bias} | {
        limit: values for limit, values in limits.items() if values is not None
    }
    rest = -geometry.outputs % 16
    constants: dict[str, str | PackedWeights] = {
        f"{name}_{field}": array(
            "float", f"{name}_{field}", np.pad(values, (0, rest)), aligned=True
        )
        for field, values in tables.items()
    }
    functions = []
    for number, group in enumerate(groups(geometry)):
        for part, tile in enumerate(register_tiles(group, geometry, isa)):
            own = f"{name}_{number}_{part}"
            weights, sums = products(f"{name}_{number}", own, geometry, tile, isa)
            constants |= weights
            functions.append(function(own, name, sums, epilogue, geometry, tile, isa))
            calls.append(f"{own}({source}, {step.output.at});")
    return SimdCode(constants, "\n".join(functions), tuple(calls), workspace)
