"""Each step as a call of a portable kernel: small, the same code for every layer of a kind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.graph import (
    Add,
    Concat,
    Conv,
    Dense,
    Pad,
    Pool,
    Pooling,
    Requantize,
    Rescale,
    Window,
)
from quantbench.c99.plan import BYTES, Arrange, Place, Step
from quantbench.c99.text import array, structure

_ONE = Pooling("average", Window((1, 1)))
_ADD_BITS, _ADD_LOW = 40, 2**15


@dataclass(frozen=True)
class Code:
    """Of one step: constants, calls, the kernels that they need, and the constants' bytes."""

    constants: str
    calls: tuple[str, ...]
    kernels: tuple[str, ...]
    weights: int
    tables: int


def wide(weights: NDArray[np.int16]) -> bool:
    """Whether 8 bits don't hold them: those whose zero point isn't 0."""
    return bool(weights.min(initial=0) < -128 or weights.max(initial=0) > 127)


def code(step: Step) -> Code:
    match step.work:
        case Conv():
            return _conv(step, step.work)
        case Dense():
            return _dense(step, step.work)
        case Pool():
            return _pool(step, step.work)
        case Add():
            return _add(step, step.work)
        case Rescale():
            return _rescale(step, step.work)
        case Concat():
            return concat(step.inputs, step.output)
        case Pad():
            return frame(step.inputs[0], step.output, step.work.pads, str(step.work.value))
        case Arrange():
            return arrange(step.identifier, step.work, step.inputs[0], step.output)


def _conv(step: Step, node: Conv) -> Code:
    pooling = node.pooling or _ONE
    (channels, height, width), (out_c, out_h, out_w) = step.inputs[0].shape, step.output.shape
    window = node.window
    fields: dict[str, str | int] = {
        "height": height, "width": width, "channels": channels,
        "out_height": out_h, "out_width": out_w, "out_channels": out_c,
        "group_in": channels // node.groups, "group_out": out_c // node.groups,
        **window_fields(window),
        "pool_h": pooling.window.kernel[0], "pool_w": pooling.window.kernel[1],
        "pool_stride_h": pooling.window.strides[0], "pool_stride_w": pooling.window.strides[1],
        "pool_max": int(pooling.kind == "max"), "padding": node.padding,
    }  # fmt: skip
    return _layer(step, node, "conv", fields)


def _dense(step: Step, node: Dense) -> Code:
    return _layer(step, node, "dense", {"inputs": step.inputs[0].size, "outputs": step.output.size})


def _layer(step: Step, node: Conv | Dense, kind: str, fields: dict[str, str | int]) -> Code:
    """A weighted layer: its tables, its structure, its call."""
    name = step.identifier
    weight = "int16_t" if wide(node.weights) else "int8_t"
    kind = f"{kind}_wide" if weight == "int16_t" else kind
    tables = _Tables(name)
    tables.add("start", "int32_t", node.start)
    for limit, rest in (("low", -(2**31)), ("high", 2**31 - 1)):
        given: NDArray[np.int32] | None = getattr(node, limit)
        values = np.array([rest]) if given is None or given.size == 0 else given
        tables.add_stepped(limit, values)
    _requantize(tables, node.requantize)
    constants = array(weight, f"{name}_weights", node.weights)
    pointers = {"weights": f"{name}_weights", **tables.fields}
    constants += tables.text + structure(f"{kind}_layer", name, {**pointers, **fields})
    at, out = step.inputs[0].at, step.output.at
    # The one that isn't written is no NULL, for gcc -O3 to see writes through and warn of.
    both = f"scratch, {out}" if node.requantize is None else f"{out}, NULL"
    return Code(
        constants,
        (f"{kind}(&{name}, {at}, {both});",),
        ("requantize", "dot_wide" if weight == "int16_t" else "dot", kind),
        node.weights.size * (2 if weight == "int16_t" else 1),
        tables.bytes,
    )


def _pool(step: Step, node: Pool) -> Code:
    channels, height, width = step.inputs[0].shape
    _, out_h, out_w = step.output.shape
    tables = _Tables(step.identifier)
    _requantize(tables, node.requantize)
    tables.fields.pop("m_step")
    fields: dict[str, str | int] = {
        "height": height, "width": width, "channels": channels,
        "out_height": out_h, "out_width": out_w,
        **window_fields(node.window),
        "max": int(node.kind == "max"), "count_pads": int(node.count_pads),
        "in_zero": step.inputs[0].zero_point,
    }  # fmt: skip
    return _simple(step, "pool", tables, fields)


def _rescale(step: Step, node: Rescale) -> Code:
    tables = _Tables(step.identifier)
    _requantize(tables, node.requantize)
    channels = step.output.shape[0]
    fields: dict[str, str | int] = {
        "places": step.output.size // channels, "channels": channels,
        "in_zero": step.inputs[0].zero_point,
    }  # fmt: skip
    return _simple(step, "rescale", tables, fields)


def _add(step: Step, node: Add) -> Code:
    """The sum in two parts of 32 bits, made positive by 2**40: see kernels/add.h."""
    (m1, m2), (z1, z2) = node.multipliers, node.zero_points
    begin = 2 ** (node.shift - 1) - z1 * m1 - z2 * m2 + 2**_ADD_BITS
    fields: dict[str, str | int] = {
        "count": step.output.size,
        "offset": node.zero_point - 2 ** (_ADD_BITS - node.shift),
        "a_low": m1 % _ADD_LOW, "a_high": m1 // _ADD_LOW,
        "b_low": m2 % _ADD_LOW, "b_high": m2 // _ADD_LOW,
        "low": begin % _ADD_LOW, "high": begin // _ADD_LOW,
        "shift": node.shift - _ADD_LOW.bit_length() + 1, "least": node.low, "most": node.high,
    }  # fmt: skip
    return _simple(step, "add", _Tables(step.identifier), fields)


def _simple(step: Step, kind: str, tables: _Tables, fields: dict[str, str | int]) -> Code:
    """A layer without weights."""
    name = step.identifier
    constants = tables.text + structure(f"{kind}_layer", name, {**tables.fields, **fields})
    places = ", ".join([*(one.at for one in step.inputs), step.output.at])
    call = f"{kind}(&{name}, {places});"
    return Code(constants, (call,), ("requantize", kind), 0, tables.bytes)


def concat(inputs: tuple[Place, ...], output: Place) -> Code:
    stride, first, calls = output.shape[0], 0, []
    places = output.size // stride
    for one in inputs:
        width = one.shape[0]
        calls.append(f"concat({one.at}, {output.at}, {places}, {width}, {first}, {stride});")
        first += width
    return Code("", tuple(calls), ("concat",), 0, 0)


def frame(image: Place, output: Place, pads: tuple[int, int, int, int], value: str) -> Code:
    return Code("", (pad_call(image, output.at, pads, value),), ("pad",), 0, 0)


def pad_call(image: Place, out: str, pads: tuple[int, int, int, int], value: int | str) -> str:
    return f"pad({_framed(image, out, pads, value)});"


def widen_call(given: Place, out: str, pads: tuple[int, int, int, int], value: int | str) -> str:
    return f"widened({_framed(given, out, pads, value)});"


def _framed(given: Place, out: str, pads: tuple[int, int, int, int], value: int | str) -> str:
    channels, height, width = given.shape if len(given.shape) == 3 else (1, 1, given.size)
    top, left, bottom, right = pads
    numbers = (height, width * channels, top, left * channels, bottom, right * channels, value)
    return f"{given.at}, {out}, {', '.join(map(str, numbers))}"


def arrange(identifier: str, node: Arrange, source: Place, output: Place) -> Code:
    name, size = f"{identifier}_index", BYTES[output.type]
    call = f"arrange({source.at}, {output.at}, {name}, {len(node.index)}, {size});"
    return Code(array("uint32_t", name, node.index), (call,), ("arrange",), 0, 4 * len(node.index))


def window_fields(window: Window) -> dict[str, int]:
    return {
        "kernel_h": window.kernel[0], "kernel_w": window.kernel[1],
        "stride_h": window.strides[0], "stride_w": window.strides[1],
        "top": window.pads[0], "left": window.pads[1],
        "dilation_h": window.dilations[0], "dilation_w": window.dilations[1],
    }  # fmt: skip


class _Tables:
    """Constants of a layer beside its weights, and the fields that point to them."""

    def __init__(self, layer: str) -> None:
        self.layer = layer
        self.text = ""
        self.bytes = 0
        self.fields: dict[str, str | int] = {}

    def add(self, field: str, type: str, values: NDArray[np.integer]) -> None:
        name = f"{self.layer}_{field}"
        self.text += array(type, name, values)
        self.bytes += len(values) * (1 if type == "uint8_t" else 4)
        self.fields[field] = name

    def add_stepped(self, field: str, values: NDArray[np.integer]) -> None:
        """One value where all are the same."""
        same = bool((values == values[0]).all())
        self.add(field, "int32_t", values[:1] if same else values)
        self.fields[f"{field}_step"] = int(not same)


def _requantize(tables: _Tables, requantize: Requantize | None) -> None:
    if requantize is None:
        tables.fields |= {"m": "NULL", "shift": "NULL", "m_step": 0}
        tables.fields |= {"zero": 0, "least": 0, "most": 0}
        return
    many = requantize.multipliers
    tables.add("m", "int32_t", np.array([one.m for one in many]))
    tables.add("shift", "uint8_t", np.array([one.s for one in many]))
    tables.fields |= {
        "m_step": int(len(many) > 1), "zero": requantize.zero_point,
        "least": requantize.low, "most": requantize.high,
    }  # fmt: skip
