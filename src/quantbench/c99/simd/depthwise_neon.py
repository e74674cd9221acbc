"""SIMD code of integer depthwise convolutions for NEON: eight channels in lanes.

Some outputs of a row are computed at once, so that a value is widened to 16 bits once for all
windows that hold it, and the weights of a small window stay in registers. A dot product would need
four taps of a channel side by side, which takes more instructions than it saves: with it or
without, the code is the same. Images with pads are copied into their frame first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.emit.c_syntax import CWriter, array
from quantbench.c99.emit.fragments import WORKSPACE, pad_call
from quantbench.c99.emit.translation_unit import SimdCode
from quantbench.c99.ir.graph import Step
from quantbench.c99.nodes.conv import Conv
from quantbench.c99.simd.requantize import factors, lane_tables, requantized
from quantbench.c99.target.isa import NEON, NEON_DOT, Isa

_LANES = 8
_OUTPUTS = 4
"""Outputs of a row at once: eight registers of sums."""
_KEPT = 16
"""Taps whose weights stay in registers beside those sums."""


def fits(step: Step, node: Conv, isa: Isa) -> bool:
    """Whether the layer is depthwise and not pooled, with channels for the lanes.

    There is one filter for each channel.
    """
    channels = step.inputs[0].shape[0]
    return (
        isa in (NEON, NEON_DOT)
        and node.groups == channels == len(node.weights)
        and channels >= _LANES
        and node.pooling is None
    )


def code(step: Step, node: Conv, isa: Isa) -> SimdCode:
    """The SIMD code of a layer that `fits`."""
    name, image = step.identifier, step.inputs[0]
    channels, height, _ = image.shape
    top, left, bottom, right = node.window.pads
    width = image.shape[2] + left + right
    source, calls, workspace = image.at, [], 0
    if any(node.window.pads):
        workspace = (height + top + bottom) * width * channels
        source = WORKSPACE
        calls.append(pad_call(image, WORKSPACE, node.window.pads, node.padding))
    to = step.output.at if node.requantize else f"(int32_t *)(void *)({step.output.at})"
    calls.append(f"{name}_lanes({source}, {to});")
    names, constants = (f"{name}_lanes_m", f"{name}_lanes_shift"), {}
    if node.requantize is not None:
        constants = lane_tables(
            node.requantize, isa, names, lambda values: np.broadcast_to(values, (channels,))
        )
    for field, (type, values) in _tables(node, channels).items():
        constants[f"{name}_{field}"] = array(type, f"{name}_{field}", values, aligned=True)
    text = _function(step, node, width, isa)
    return SimdCode(constants, text, tuple(calls), workspace, ("depthwise/neon",))


def _tables(node: Conv, channels: int) -> dict[str, tuple[str, NDArray[np.integer]]]:
    """The constants by the end of their names: a number of each channel; the weights by tap.

    Their names are their own, as another set may have constants of another layout.
    """
    fields = {
        "lanes_start": node.bias,
        "lanes_low": node.low,
        "lanes_high": node.high,
    }
    taps = node.weights.reshape(channels, -1).T  # [taps, C]
    return {"lanes_taps": ("int8_t", np.ascontiguousarray(taps))} | {
        field: ("int32_t", np.broadcast_to(values, (channels,)))
        for field, values in fields.items()
        if values is not None
    }


def _function(step: Step, node: Conv, width: int, isa: Isa) -> str:
    channels, out_height, out_width = step.output.shape
    name, across = step.identifier, min(out_width, _OUTPUTS)
    (kernel_h, kernel_w), (down, right) = node.window.kernel, node.window.strides
    taps = kernel_h * kernel_w
    c = CWriter()
    c.line(f"/* Eight channels in lanes, {across} outputs of a row at once. */")
    number = "int32_t" if node.requantize is None else "uint8_t"
    head = f"static __attribute__((noinline)) void {name}_lanes(const uint8_t *in, {number} *out)"
    with c.function(head), c.loop("k", -(-channels // _LANES)):
        c.line(f"const int first = {_at_most('k', _LANES, channels)};")
        _write_constants(c, name, node, isa)
        if taps <= _KEPT:
            for tap in range(taps):
                c.line(f"const int16x8_t w{tap} = {_weights(name, tap, channels)};")
        with c.loop("y", out_height), c.loop("n", -(-out_width // across)):
            c.line(f"const int x = {_at_most('n', across, out_width)};")
            at = f"in + y * {down * width * channels} + x * {right * channels} + first"
            c.line(f"const uint8_t *const at = {at};")
            c.line(f"model_sums_8 {', '.join(f'a{x} = start' for x in range(across))};")
            _write_products(c, name, node, width, channels, across)
            for x in range(across):
                _write_output(c, node, isa, x, f"out + (y * {out_width} + x + {x}) * {channels}")
    return c.finished()


def _write_constants(c: CWriter, name: str, node: Conv, isa: Isa) -> None:
    """Write the registers of eight channels that stay the same."""
    kept = {"start": node.bias, "low": node.low, "high": node.high}
    for field, values in kept.items():
        if values is not None:
            c.line(f"const model_sums_8 {field} = model_load_sums_8({name}_lanes_{field} + first);")
    if node.requantize is None:
        return
    for half, begin in (("low", "first"), ("high", "first + 4")):
        m, shift = (f"model_load_128({name}_lanes_{field} + {begin})" for field in ("m", "shift"))
        value = factors(node.requantize, isa, 128, m, shift)
        c.line(f"const model_factors_128 f_{half} = {value};")


def _write_products(
    c: CWriter, name: str, node: Conv, width: int, channels: int, across: int
) -> None:
    """Write the products of a tile, value after value."""
    (kernel_h, kernel_w), window = node.window.kernel, node.window
    right, (dilation_h, dilation_w) = window.strides[1], window.dilations
    kept = kernel_h * kernel_w <= _KEPT
    for r in range(kernel_h):
        users: dict[int, list[tuple[int, int]]] = {}
        for x in range(across):
            for column in range(kernel_w):
                place = x * right + column * dilation_w
                users.setdefault(place, []).append((x, r * kernel_w + column))
        for place, products in sorted(users.items()):
            offset = (r * dilation_h * width + place) * channels
            with c.block():
                c.line(f"const int16x8_t v = model_values_8(at + {offset});")
                for x, tap in products:
                    weights = f"w{tap}" if kept else _weights(name, tap, channels)
                    c.line(f"a{x} = model_products_8(a{x}, v, {weights});")


def _write_output(c: CWriter, node: Conv, isa: Isa, x: int, to: str) -> None:
    """Write the epilogue of one output of the tile."""
    if node.low is not None:
        c.line(f"a{x} = model_max_8(a{x}, low);")
    if node.high is not None:
        c.line(f"a{x} = model_min_8(a{x}, high);")
    if node.requantize is None:
        c.line(f"model_store_sums_8({to} + first, a{x});")
        return
    halves = (
        requantized(node.requantize, isa, 128, f"a{x}.{half}", f"f_{half}")
        for half in ("low", "high")
    )
    c.line(f"model_store_8({to} + first, {', '.join(halves)});")


def _weights(name: str, tap: int, channels: int) -> str:
    return f"model_weights_8({name}_lanes_taps + {tap * channels} + first)"


def _at_most(number: str, width: int, count: int) -> str:
    """The C expression of a tile's first output: the last tile ends with the last one."""
    tiles, last = -(-count // width), count - width
    begin = f"{number} * {width}"
    return begin if last == (tiles - 1) * width else f"{begin} < {last} ? {begin} : {last}"
