"""Each step as a call of a portable kernel: small, the same code for every layer of a kind."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.emit.c_syntax import array, structure
from quantbench.c99.emit.specialize import Structure
from quantbench.c99.ir.graph import BYTES, Place, Pooling, Requantization, Step, Window
from quantbench.c99.nodes.conv import Conv
from quantbench.c99.nodes.dense import Dense
from quantbench.c99.nodes.permute import Permute
from quantbench.c99.nodes.pool import Pool
from quantbench.c99.nodes.requantize import Requantize
from quantbench.c99.ops.add import Add
from quantbench.c99.ops.concat import Concat
from quantbench.c99.ops.pad import Pad

_ONE = Pooling("average", Window((1, 1)))
_ADD_BITS, _ADD_LOW = 40, 2**15
_EVEN = 64
"""Added to the shifts of a layer with ties: see kernels/requantize_even.h."""


@dataclass(frozen=True)
class Code:
    """Of one step: constants, calls, the kernels that they need, and the constants' bytes.
    `room`: memory that the calls need at TEMPORARY, a name in C.
    """

    constants: str
    calls: tuple[str, ...]
    kernels: tuple[str, ...]
    weights: int
    tables: int
    structures: tuple[Structure, ...] = ()
    room: int = 0


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
        case Requantize():
            return _rescale(step, step.work)
        case Concat():
            return concat(step.inputs, step.output)
        case Pad():
            return frame(step.inputs[0], step.output, step.work.pads, str(step.work.value))
        case Permute():
            return arrange(step.identifier, step.work, step.inputs[0], step.output)
        case _:
            raise TypeError(f"{step.work.name}: no C of integers")


def _conv(step: Step, node: Conv) -> Code:
    """One of a single place, whose window is the image, is fully connected."""
    (channels, height, width), (out_c, out_h, out_w) = step.inputs[0].shape, step.output.shape
    window, pooling = node.window, node.pooling or _ONE
    places = pooling.window.kernel[0] * pooling.window.kernel[1]
    if places == out_h == out_w == node.groups == 1 and window == Window((height, width)):
        return _layer(step, node, 1, 1, 0)
    group_in, taps = channels // node.groups, window.kernel[0] * window.kernel[1]
    kind = f"conv{_suffix(node)}"
    memory = taps * channels
    fields = {
        "height": height, "width": width, "channels": channels, "group_in": group_in,
        "out_height": out_h, "out_width": out_w,
        "step": step.output.bytes // (out_h * out_w), "window": memory,
        "count": taps * group_in, "row": window.kernel[1] * channels,
        "rows": int(node.groups == window.dilations[1] == 1),
        "inside": int(_inside(step, window, pooling.window)),
        **window_fields(window), "padding": node.padding,
        "pool_h": pooling.window.kernel[0], "pool_w": pooling.window.kernel[1],
        "pool_stride_h": pooling.window.strides[0], "pool_stride_w": pooling.window.strides[1],
    }  # fmt: skip
    outputs = _layer(step, node, node.groups, places, int(pooling.kind == "max"))
    name = f"{step.identifier}_window"
    call = f"{kind}(&{name}, &{step.identifier}, {step.inputs[0].at}, {step.output.at}, TEMPORARY);"
    return replace(
        outputs,
        calls=(call,),
        kernels=(*outputs.kernels, kind),
        structures=(*outputs.structures, Structure(kind, name, fields)),
        room=memory + (4 * out_c if places > 1 and node.requantize is not None else 0),
    )


def _dense(step: Step, node: Dense) -> Code:
    return _layer(step, node, 1, 1, 0)


def _suffix(node: Conv | Dense) -> str:
    return "_wide" if wide(node.weights) else ""


def _layer(step: Step, node: Conv | Dense, groups: int, places: int, pool_max: int) -> Code:
    """A weighted layer: its tables, its structure, its call as a fully connected one."""
    name, outputs, suffix = step.identifier, len(node.weights), _suffix(node)
    given = node.requantize
    many = given.multipliers if given else ()
    numbers: list[NDArray[np.integer]] = [node.bias, np.array([one.m for one in many], np.int64)]
    fields: dict[str, str | int] = {
        "weights": f"{name}_weights", "numbers": f"{name}_numbers",
        "shift": f"{name}_shift" if given else "NULL",
        "count": node.weights.size // outputs, "outputs": outputs,
        "groups": groups, "group_out": outputs // groups,
        "places": places, "pool_max": pool_max, "m_step": int(len(many) > 1),
        "rounded": int(given is not None), "zero": given.zero_point if given else 0,
        "least": given.low if given else 0, "most": given.high if given else 0,
    }  # fmt: skip
    for limit, none in (("low", -(2**31)), ("high", 2**31 - 1)):
        found: NDArray[np.int32] | None = getattr(node, limit)
        values = np.array([none]) if found is None or found.size == 0 else found
        same = bool((values == values[0]).all())
        fields |= {limit: int(values[0]), f"{limit}_at": 0}
        if not same:
            fields[f"{limit}_at"] = sum(one.size for one in numbers)
            numbers.append(values)
    tables = _Tables(name)
    tables.add("numbers", "int32_t", np.concatenate(numbers))
    if given:
        tables.add("shift", "uint8_t", _shifts(given))
    weight = "int16_t" if suffix else "int8_t"
    return Code(
        array(weight, f"{name}_weights", node.weights) + tables.text,
        (f"dense{suffix}(&{name}, {step.inputs[0].at}, {step.output.at}, scratch, 0);",),
        (*_rounding(given), f"dot{suffix}", f"dense{suffix}"),
        node.weights.size * (2 if suffix else 1),
        tables.bytes,
        (Structure(f"dense{suffix}", name, fields),),
    )


def _inside(step: Step, window: Window, pooling: Window) -> bool:
    """Whether no window leaves the image: neither before it begins nor behind its end."""
    sides = zip(step.inputs[0].shape[1:], step.output.shape[1:], strict=True)
    return not any(window.pads[:2]) and all(
        ((places - 1) * pooling.strides[axis] + pooling.kernel[axis] - 1) * window.strides[axis]
        + (window.kernel[axis] - 1) * window.dilations[axis]
        < size
        for axis, (size, places) in enumerate(sides)
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
        "inside": int(_inside(step, node.window, _ONE.window)),
        "in_zero": step.inputs[0].zero_point,
    }  # fmt: skip
    return _simple(step, "pool", tables, fields)


def _rescale(step: Step, node: Requantize) -> Code:
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
    assert node.requantize is not None
    given = node.requantize
    (m1, m2), (z1, z2) = given.multipliers, given.zero_points
    begin = 2 ** (given.shift - 1) - z1 * m1 - z2 * m2 + 2**_ADD_BITS
    fields: dict[str, str | int] = {
        "count": step.output.size,
        "offset": given.zero_point - 2 ** (_ADD_BITS - given.shift),
        "a_low": m1 % _ADD_LOW, "a_high": m1 // _ADD_LOW,
        "b_low": m2 % _ADD_LOW, "b_high": m2 // _ADD_LOW,
        "low": begin % _ADD_LOW, "high": begin // _ADD_LOW,
        "shift": given.shift - _ADD_LOW.bit_length() + 1, "least": given.low, "most": given.high,
    }  # fmt: skip
    constants = structure("add_layer", step.identifier, fields)
    places = ", ".join([*(one.at for one in step.inputs), step.output.at])
    kind = "add_even" if given.ties else "add"
    call = f"{kind}(&{step.identifier}, {places});"
    return Code(constants, (call,), ("add_layer", kind), 0, 0)


def _simple(step: Step, kind: str, tables: _Tables, fields: dict[str, str | int]) -> Code:
    """A layer without weights."""
    name = step.identifier
    places = ", ".join([*(one.at for one in step.inputs), step.output.at])
    call = f"{kind}(&{name}, {places});"
    made = Structure(kind, name, {**tables.fields, **fields})
    return Code(tables.text, (call,), (*tables.kernels, kind), 0, tables.bytes, (made,))


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


def arrange(identifier: str, node: Permute, source: Place, output: Place) -> Code:
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
        self.kernels: tuple[str, ...] = ()

    def add(self, field: str, type: str, values: NDArray[np.integer]) -> None:
        name = f"{self.layer}_{field}"
        self.text += array(type, name, values)
        self.bytes += len(values) * (1 if type == "uint8_t" else 4)
        self.fields[field] = name


def _requantize(tables: _Tables, requantize: Requantization | None) -> None:
    tables.kernels = _rounding(requantize)
    if requantize is None:
        tables.fields |= {"m": "NULL", "shift": "NULL", "m_step": 0}
        tables.fields |= {"zero": 0, "least": 0, "most": 0}
        return
    many = requantize.multipliers
    tables.add("m", "int32_t", np.array([one.m for one in many]))
    tables.add("shift", "uint8_t", _shifts(requantize))
    tables.fields |= {
        "m_step": int(len(many) > 1), "zero": requantize.zero_point,
        "least": requantize.low, "most": requantize.high,
    }  # fmt: skip


def _shifts(requantize: Requantization) -> NDArray[np.integer]:
    more = _EVEN if requantize.ties else 0
    return np.array([one.s + more for one in requantize.multipliers])


def _rounding(requantize: Requantization | None) -> tuple[str, str]:
    """The kernels that round."""
    even = requantize is not None and requantize.ties
    return "floor_shift", "requantize_even" if even else "requantize"
