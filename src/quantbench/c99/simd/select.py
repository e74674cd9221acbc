"""Convolutions and fully connected layers in wide registers, from their shapes.

Output channels lie in lanes. A window's rows of kernel_w * C values are contiguous; a few of them
at a time are in every lane and multiplied with the weights of each. A tile of positions and of
blocks of channels stays in registers; activation, pooling and requantization happen there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.emit.c_syntax import aligned, array
from quantbench.c99.emit.scalar import pad_call, wide, widen_call
from quantbench.c99.emit.translation_unit import FastCode
from quantbench.c99.ir.graph import Step
from quantbench.c99.nodes.conv import Conv
from quantbench.c99.nodes.dense import Dense
from quantbench.c99.simd import direct_conv_avx2, direct_conv_vbmi, maddubs
from quantbench.c99.simd.dot_product import products
from quantbench.c99.simd.loop_nest import Ending, function
from quantbench.c99.simd.tiling import (
    Shape,
    conv_shape,
    dense_shape,
    groups,
    passes,
)
from quantbench.c99.target.isa import (
    AVX2,
    AVX2_BYTES,
    AVX512VBMI,
    KernelSet,
)
from quantbench.numerics.fixed_point import accumulator_bounds

_NARROW = 2**30


def code(step: Step, kernels: KernelSet) -> FastCode | None:
    """None where the portable kernel must do."""
    node = step.work
    if not isinstance(node, Conv | Dense) or wide(node.weights) or not _narrow(node):
        return None
    if isinstance(node, Conv) and node.groups != 1:
        return None
    if node.requantize is None and step.output.at != "output":
        return None  # int32 in scratch memory, whose alignment isn't known
    return _layer(step, node, kernels)


def _narrow(node: Conv | Dense) -> bool:
    """Whether 32 bits hold what is rounded, before it is clamped."""
    if node.requantize is None:
        return True
    _, _, most = accumulator_bounds(
        node.bias.astype(np.int64), node.weights.astype(np.int64), 0, 255
    )
    places = 1
    if isinstance(node, Conv) and node.pooling and node.pooling.kind == "average":
        places = node.pooling.window.kernel[0] * node.pooling.window.kernel[1]
    many = node.requantize.multipliers
    factors = many if len(many) > 1 else many * len(most)
    return all(
        (int(bound) * places * one.m >> one.s) < _NARROW
        for bound, one in zip(most, factors, strict=True)
    )


def _layer(step: Step, node: Conv | Dense, kernels: KernelSet) -> FastCode:
    into, out = step.inputs[0].shape, step.output.shape
    if isinstance(node, Conv):
        shape = conv_shape(into, out, node.window, node.pooling, node.weights)
    else:
        shape = dense_shape(node.weights)
    name = step.identifier
    for its, lanes, kind in (
        (AVX512VBMI, direct_conv_vbmi, "pixels"),
        (AVX2, direct_conv_avx2, "pairs"),
    ):
        if kernels is its and isinstance(node, Conv) and lanes.fits(node, shape):
            source, calls, room = _source(step, node, kernels)
            calls.append(f"{name}_{kind}({source}, {step.output.at});")
            more, text = lanes.code(f"{name}_{kind}", name, node, shape)
            constants = _tables(name, node, shape, kernels) | more
            return FastCode(constants, text, tuple(calls), room)
    form = AVX2_BYTES if kernels is AVX2 and maddubs.fit(shape) else kernels
    source, calls, room = _source(step, node, form)
    constants, parts = _tables(name, node, shape, form), []
    output = "model_output" if node.requantize is None else "uint8_t"
    ending = Ending(node.low is not None, node.high is not None, node.requantize, output)
    for number, group in enumerate(groups(shape)):
        for at, one in enumerate(passes(group, shape, form)):
            own = f"{name}_{number}_{at}"
            made = maddubs.products if form is AVX2_BYTES else products
            more, chosen = made(f"{name}_{number}", own, shape, one, form)
            constants |= more
            parts.append(function(own, name, chosen, ending, shape, one, form))
            calls.append(f"{own}({source}, {step.output.at});")
    return FastCode(constants, "".join(parts), tuple(calls), room)


def _source(step: Step, node: Conv | Dense, kernels: KernelSet) -> tuple[str, list[str], int]:
    """Where the kernels read, the calls that make it, and its bytes."""
    pads = node.window.pads if isinstance(node, Conv) else (0, 0, 0, 0)
    padding = node.padding if isinstance(node, Conv) else 0
    given = step.inputs[0]
    channels, height, width = given.shape if len(given.shape) == 3 else (1, 1, given.size)
    top, left, bottom, right = pads
    values = (height + top + bottom) * (width + left + right) * channels
    if kernels.values == 2:
        return "TEMPORARY", [widen_call(given, "TEMPORARY", pads, padding)], 2 * values + 4
    if any(pads):
        return "TEMPORARY", [pad_call(given, "TEMPORARY", pads, padding)], values
    return given.at, [], 0


def _tables(name: str, node: Conv | Dense, shape: Shape, kernels: KernelSet) -> dict[str, str]:
    found: dict[str, NDArray[np.integer] | None] = {"low": node.low, "high": node.high}
    if kernels.signed:
        flat = shape.weights.reshape(shape.outputs, -1)
        less = node.bias.astype(np.int64) + 128 * flat.sum(axis=1, dtype=np.int64)
        found["signed"] = less.astype(np.int32)  # modulo 2**32, as sums are on their way
    else:
        found["start"] = node.bias
    if node.requantize is not None:
        many = node.requantize.multipliers
        found["m"] = np.array([one.m for one in many])
        found["shift"] = np.array([one.s for one in many])
    tables = {f"{name}_{field}": values for field, values in found.items() if values is not None}
    return {one: _lanes(one, values, shape.outputs) for one, values in tables.items()}


def _lanes(name: str, values: NDArray[np.integer], outputs: int) -> str:
    """For every channel, and for the lanes behind the last."""
    many = np.broadcast_to(values, (outputs,)) if len(values) == 1 else values
    return aligned(array("int32_t", name, np.pad(many, (0, -outputs % 16), mode="edge")))
