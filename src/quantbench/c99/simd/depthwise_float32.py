"""SIMD code of float32 depthwise convolutions: channels in lanes, some outputs of a row at once.

A value is loaded once for all outputs of the tile whose windows hold it. Images with pads are
copied into their frame first, as for other convolutions.
"""

from __future__ import annotations

import numpy as np

from quantbench.c99.emit.c_syntax import CWriter, array
from quantbench.c99.emit.fragments import WORKSPACE, pad_call
from quantbench.c99.emit.translation_unit import SimdCode
from quantbench.c99.ir.graph import Step
from quantbench.c99.nodes.conv import Conv
from quantbench.c99.target.isa import Isa

_OUTPUTS = 6
"""Outputs of a row at once: enough products in flight, beside nine weights in 16 registers."""


def bits(step: Step, node: Conv, isa: Isa) -> int | None:
    """The bits of the registers that a depthwise layer fills; None for any other layer."""
    channels = step.inputs[0].shape[0]
    if node.groups != channels or len(node.weights) != channels or node.pooling is not None:
        return None
    return next((bits for bits in isa.bits if bits <= channels * 32), None)


def code(step: Step, node: Conv, bits: int) -> SimdCode:
    """The C of a depthwise step for registers of so many `bits`."""
    name, image = step.identifier, step.inputs[0]
    channels, height, _ = image.shape
    top, left, bottom, right = node.window.pads
    width = image.shape[2] + left + right
    source, calls, workspace = image.at, [], 0
    if any(node.window.pads):
        workspace = (height + top + bottom) * width * channels
        source, calls = WORKSPACE, [pad_call(image, WORKSPACE, node.window.pads, "0.0F")]
    tables = {
        "start": node.bias,
        "low": node.low,
        "high": node.high,
        "taps": node.weights.reshape(channels, -1).T,  # [taps, C]
    }
    constants = {
        f"{name}_{field}": array(
            "float", f"{name}_{field}", np.ascontiguousarray(values), aligned=True
        )
        for field, values in tables.items()
        if values is not None
    }
    calls.append(f"{name}_lanes({source}, {step.output.at});")
    return SimdCode(constants, _function(step, node, width, bits), tuple(calls), workspace)


def _function(step: Step, node: Conv, width: int, bits: int) -> str:
    channels, out_height, out_width = step.output.shape
    name, lanes, across = step.identifier, bits // 32, min(out_width, _OUTPUTS)
    taps, (down, right) = node.window.kernel[0] * node.window.kernel[1], node.window.strides
    c = CWriter()

    def load(kind: str, variable: str, at: str) -> None:
        c.line(f"const model_{kind}_{bits} {variable} = model_load_{bits}({name}_{at} + first);")

    c.line(f"/* Channels in lanes, {across} outputs of a row at once. */")
    head = f"static __attribute__((noinline)) void {name}_lanes(const float *in, float *out)"
    with c.function(head), c.loop("k", -(-channels // lanes)):
        c.line(f"const int first = {_least('k', lanes, channels)};")
        load("vec", "start", "start")
        for limit, values in (("low", node.low), ("high", node.high)):
            if values is not None:
                load("vec", limit, limit)
        for tap in range(taps):
            load("operand", f"w{tap}", f"taps + {tap * channels}")
        with c.loop("y", out_height), c.loop("n", -(-out_width // across)):
            c.line(f"const int x = {_least('n', across, out_width)};")
            at = f"in + y * {down * width * channels} + x * {right * channels} + first"
            c.line(f"const float *const at = {at};")
            c.line(f"model_vec_{bits} {', '.join(f'a{x} = start' for x in range(across))};")
            _write_products(c, node, width * channels, channels, across, bits)
            for x in range(across):
                value = f"a{x}" if node.low is None else f"model_max_{bits}(a{x}, low)"
                value = value if node.high is None else f"model_min_{bits}({value}, high)"
                to = f"out + (y * {out_width} + x + {x}) * {channels} + first"
                c.line(f"model_store_sums_{bits}({to}, {value}, {lanes});")
    return c.finished()


def _write_products(
    c: CWriter, node: Conv, row: int, channels: int, across: int, bits: int
) -> None:
    """Write the products of a tile, value after value."""
    window = node.window
    columns: dict[int, list[tuple[int, int]]] = {}
    for x in range(across):
        for tap in range(window.kernel[1]):
            column = x * window.strides[1] + tap * window.dilations[1]
            columns.setdefault(column, []).append((x, tap))
    for r in range(window.kernel[0]):
        for column, uses in sorted(columns.items()):
            with c.block():
                at = f"at + {r * window.dilations[0] * row + column * channels}"
                c.line(f"const model_operand_{bits} v = model_load_{bits}({at});")
                for x, tap in uses:
                    weights = f"w{r * window.kernel[1] + tap}"
                    c.line(f"a{x} = model_product_{bits}(a{x}, v, {weights});")


def _least(counter: str, step: int, size: int) -> str:
    """The begin of a tile; the last one may overlap the one before."""
    last = size - step
    begin = f"{counter} * {step}"
    return begin if last % step == 0 else f"{begin} < {last} ? {begin} : {last}"
