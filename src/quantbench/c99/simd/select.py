"""Choice of SIMD code for layers, by their shapes.

A layer without weights has a file of its own. In convolutions and fully connected layers output
channels lie in lanes. A window's rows of kernel_w * C values are contiguous; a few values at a time
are copied to every lane and multiplied with the weights of each. A tile of positions and of blocks
of channels stays in registers; activation, pooling and requantization happen there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.emit.fragments import WORKSPACE, needs_int16, pad_call, widen_call
from quantbench.c99.emit.translation_unit import SimdCode
from quantbench.c99.ir.graph import Step
from quantbench.c99.ir.weights import PackedWeights
from quantbench.c99.nodes.conv import Conv
from quantbench.c99.nodes.curve import Curve
from quantbench.c99.nodes.dense import Dense
from quantbench.c99.nodes.mix import Mix
from quantbench.c99.nodes.pool import Pool
from quantbench.c99.nodes.product import Product
from quantbench.c99.nodes.requantize import Requantize
from quantbench.c99.nodes.table import Table
from quantbench.c99.simd import (
    add,
    amx,
    depthwise,
    depthwise_neon,
    direct_conv_avx2,
    direct_conv_vbmi,
    float32,
    lookup,
    maddubs,
    pool,
    product,
    rescale,
    wide,
)
from quantbench.c99.simd.dot_product import products
from quantbench.c99.simd.loop_nest import Epilogue, function
from quantbench.c99.simd.requantize import Channels, channel_tables, lane_array, lane_tables
from quantbench.c99.simd.tiling import (
    ConvGeometry,
    conv_geometry,
    dense_geometry,
    groups,
    groups_of_conv,
    register_tiles,
)
from quantbench.c99.target.isa import (
    AVX2,
    AVX2_BYTES,
    AVX512VBMI,
    Isa,
)
from quantbench.numerics.fixed_point import accumulator_bounds

_MAX_ROUNDED = 2**30
_BEHIND = 4
"""Bytes behind a framed image, which the last window may read with weights of 0."""


def code(step: Step, isa: Isa) -> SimdCode | None:
    """The SIMD code of a step for `isa`; None where the portable kernel is used."""
    if isa.base:
        return _in_tiles(step, isa, code(step, isa.base))
    if step.output.type == "float32":
        return float32.code(step, isa)
    node = step.work
    if not isinstance(node, Conv | Dense):
        return _of_bytes(step, isa)
    if needs_int16(node.weights) or not _fits_int32(node):
        return None
    geometry = _geometry(step, node)
    if isinstance(node, Conv) and node.groups > 1:
        return _grouped(step, node, geometry, isa)
    return _direct(step, node, geometry, isa) or _tiled(step, node, geometry, isa)


def _of_bytes(step: Step, isa: Isa) -> SimdCode | None:
    """The code of a step without weights, which bytes go into and come out of."""
    if any(place.type != "uint8" for place in (*step.inputs, step.output)):
        return _of_words(step, isa)
    match step.work:
        case Table() as table:
            return lookup.of_table(step, table, isa)
        case Requantize() as change if len(change.requantize.multipliers) > 1:
            return rescale.code(step, change, isa)
        case Requantize() as change:
            return lookup.of_requantize(step, change, isa)
        case Pool() as pooling:
            return pool.code(step, pooling, isa)
        case Product() as node:
            return product.code(step, node, isa)
    return add.code(step, isa) if len(step.inputs) == 2 else None


def _of_words(step: Step, isa: Isa) -> SimdCode | None:
    """The code of a step without weights that reads or writes 32 bits."""
    match step.work:
        case Mix() as node:
            return wide.mix(step, node, isa)
        case Curve() as node:
            return wide.curve(step, node, isa)
        case Product() as node:
            return product.of_words(step, node, isa)
    return None


@lru_cache(maxsize=1)  # of the step whose code is written for one instruction set after another
def _fits_int32(node: Conv | Dense) -> bool:
    """Whether 32 bits hold what is rounded, before it is clamped."""
    if node.requantize is None:
        return True
    _, _, bounds = accumulator_bounds(
        node.bias.astype(np.int64), node.weights.astype(np.int64), 0, 255
    )
    places = 1
    if isinstance(node, Conv) and node.pooling and node.pooling.kind == "average":
        places = node.pooling.window.kernel[0] * node.pooling.window.kernel[1]
    multipliers = node.requantize.multipliers
    by_channel = multipliers if len(multipliers) > 1 else multipliers * len(bounds)
    return all(
        (int(bound) * places * multiplier.m >> multiplier.s) < _MAX_ROUNDED
        for bound, multiplier in zip(bounds, by_channel, strict=True)
    )


@lru_cache(maxsize=1)
def _geometry(step: Step, node: Conv | Dense) -> ConvGeometry:
    if isinstance(node, Dense):
        return dense_geometry(node.weights)
    shapes = step.inputs[0].shape, step.output.shape
    return conv_geometry(*shapes, node.window, node.pooling, node.weights)


def _direct(step: Step, node: Conv | Dense, geometry: ConvGeometry, isa: Isa) -> SimdCode | None:
    """A direct convolution of one channel to a few; None where the instruction set has none."""
    if not isinstance(node, Conv):
        return None
    if isa is AVX512VBMI and direct_conv_vbmi.fits(node, geometry):
        own, write = f"{step.identifier}_pixels", direct_conv_vbmi.code
    elif isa is AVX2 and direct_conv_avx2.fits(node, geometry):
        own, write = f"{step.identifier}_pairs", direct_conv_avx2.code
    else:
        return None
    source, calls, workspace = _source(step, node, isa)
    constants, text = write(own, step.identifier, node, geometry)
    calls.append(f"{own}({source}, {step.output.at});")
    tables = _tables(step.identifier, node, geometry, isa)
    assert node.requantize is not None
    names = f"{step.identifier}_m", f"{step.identifier}_shift"
    tables |= channel_tables(node.requantize, isa, names, geometry.outputs)
    return SimdCode(tables | constants, text, tuple(calls), workspace)


def _grouped(step: Step, node: Conv, geometry: ConvGeometry, isa: Isa) -> SimdCode | None:
    """A convolution of several groups; None for what only the portable kernel computes."""
    if depthwise.fits(step, node, isa):
        return depthwise.code(step, node, isa)
    if depthwise_neon.fits(step, node, isa):
        return depthwise_neon.code(step, node, isa)
    return None if node.weights.shape[3] == 1 else _tiled(step, node, geometry, isa)


def _tiled(step: Step, node: Conv | Dense, geometry: ConvGeometry, isa: Isa) -> SimdCode:
    """Any other layer: channels in lanes, one function for each register tile."""
    name, conv_groups = step.identifier, node.groups if isinstance(node, Conv) else 1
    bytes_fit = isa is AVX2 and conv_groups == 1 and maddubs.fits(geometry)
    form = AVX2_BYTES if bytes_fit else isa
    write = maddubs.products if form is AVX2_BYTES else products
    source, calls, workspace = _source(step, node, form)
    output = "int32_t" if node.requantize is None else "uint8_t"
    to = step.output.at if node.requantize else f"(int32_t *)(void *)({step.output.at})"
    epilogue = Epilogue(node.low is not None, node.high is not None, node.requantize, output)
    if conv_groups == 1:
        channel_groups = groups(geometry)
    else:
        channel_groups = groups_of_conv(geometry.outputs, conv_groups)
    tiles = [register_tiles(group, geometry, form) for group in channel_groups]
    registers = [
        tile.channels(block) for parts in tiles for tile in parts for block in range(tile.blocks)
    ]
    constants: dict[str, str | PackedWeights] = {**_tables(name, node, geometry, form, registers)}
    functions = []
    for number, parts in enumerate(tiles):
        for part, tile in enumerate(parts):
            own = f"{name}_{number}_{part}"
            tables, sums = write(f"{name}_{number}", own, geometry, tile, form)
            constants |= tables
            if conv_groups > 1:
                apart = geometry.channels // conv_groups * form.size
                sums = replace(sums, head=(*sums.head, f"in += g > 0 ? {apart} : 0;"))
            functions.append(function(own, name, sums, epilogue, geometry, tile, form))
            calls.append(f"{own}({source}, {to});")
    return SimdCode(constants, "\n".join(functions), tuple(calls), workspace)


def _in_tiles(step: Step, isa: Isa, base: SimdCode | None) -> SimdCode | None:
    """The code of a set with tiles: that of its base, and beside it what is faster in tiles.

    The base computes it where the system has no tiles for the process.
    """
    node = step.work
    if base is None or not isinstance(node, Conv):
        return base
    geometry = _geometry(step, node)
    if not amx.fits(node, geometry):
        return base
    name = step.identifier
    source, before, _ = _source(step, node, isa)
    output = "int32_t" if node.requantize is None else "uint8_t"
    to = step.output.at if node.requantize else f"(int32_t *)(void *)({step.output.at})"
    epilogue = Epilogue(node.low is not None, node.high is not None, node.requantize, output)
    functions, calls, constants = [base.text], list[str](), dict(base.constants)
    for number, group in enumerate(groups(geometry)):
        if not amx.takes(group):
            calls += [call for call in base.calls if call.startswith(f"{name}_{number}_")]
            continue
        weights = f"{name}_{number}_weights_int8"
        if different := amx.own_weights(geometry, group, f"{name}_{number}_tiles_int8"):
            weights = different.name
            constants[weights] = different
        own, tiles = f"{name}_{number}_tiles", amx.register_tiles(group, geometry)
        functions.append(amx.function(own, name, weights, epilogue, geometry, tiles, isa))
        calls.append(f"{own}({source}, {to});")
    either = [
        "if (MODEL_TILES) {",
        *(f"    {call}" for call in calls),
        "} else {",
        *(f"    {call}" for call in base.calls[len(before) :]),
        "}",
    ]
    return replace(
        base,
        constants=constants,
        text="\n".join(functions),
        calls=(*before, *either),
        workspace=base.workspace + _BEHIND if base.workspace else 0,
    )


def _source(step: Step, node: Conv | Dense, isa: Isa) -> tuple[str, list[str], int]:
    """The address that the kernels read, the calls that fill it, and its bytes."""
    pads = node.window.pads if isinstance(node, Conv) else (0, 0, 0, 0)
    padding = node.padding if isinstance(node, Conv) else 0
    image = step.inputs[0]
    channels, height, width = image.shape if len(image.shape) == 3 else (1, 1, image.size)
    top, left, bottom, right = pads
    values = (height + top + bottom) * (width + left + right) * channels
    if isa.lanes_per_product == 2:
        return WORKSPACE, [widen_call(image, WORKSPACE, pads, padding)], 2 * values + 4
    if any(pads):
        return WORKSPACE, [pad_call(image, WORKSPACE, pads, padding)], values
    return image.at, [], 0


def _tables(
    name: str,
    node: Conv | Dense,
    geometry: ConvGeometry,
    isa: Isa,
    registers: Sequence[Channels] = (),
) -> dict[str, str]:
    """The numbers of each channel. `registers`: the channels that each register rounds."""
    fields: dict[str, NDArray[np.integer] | None] = {"low": node.low, "high": node.high}
    if isa.offset_inputs:
        flat = geometry.weights.reshape(geometry.outputs, -1)
        less = node.bias.astype(np.int64) + 128 * flat.sum(axis=1, dtype=np.int64)
        fields["signed"] = less.astype(np.int32)  # modulo 2**32, like all partial sums
    else:
        fields["start"] = node.bias
    behind = 16 if isinstance(node, Conv) and node.groups > 1 else 0  # of the last group's register

    def lanes(values: NDArray[np.integer]) -> NDArray[np.integer]:
        return _lanes(values, geometry.outputs, behind)

    constants = {
        f"{name}_{field}": lane_array(f"{name}_{field}", lanes(values))
        for field, values in fields.items()
        if values is not None
    }
    if node.requantize is not None:
        names = f"{name}_m", f"{name}_shift"
        constants |= lane_tables(node.requantize, isa, names, lanes, registers)
    return constants


def _lanes(values: NDArray[np.integer], outputs: int, behind: int) -> NDArray[np.integer]:
    """A number for every channel, or one for all, padded to whole registers and by `behind`."""
    by_channel = np.broadcast_to(values, (outputs,)) if len(values) == 1 else values
    return np.pad(by_channel, (0, -outputs % 16 + behind), mode="edge")
