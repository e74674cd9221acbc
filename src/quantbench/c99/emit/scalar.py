"""Write each step of an integer network as a call of a portable kernel."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.emit.c_syntax import array, structure
from quantbench.c99.emit.specialize import Structure
from quantbench.c99.ir.graph import (
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
from quantbench.c99.passes.layout import (
    BYTES,
    Arrange,
    Place,
    Step,
)

NO_POOLING = Pooling("average", Window((1, 1)))
WORKSPACE = "MODEL_WORKSPACE"
"""The memory behind the tensors of the plan, which single calls use."""
_ADD_BITS, _ADD_LOW = 40, 2**15
_EVEN = 64
"""Added to the shifts of a layer with ties: see kernels/requantize_even.h."""
_NO_LIMIT = {"low": -(2**31), "high": 2**31 - 1}


@dataclass(frozen=True)
class Code:
    """The portable C of one step: constants, calls, the kernels that they need, and the bytes of
    weights and of other constants. `workspace`: bytes that its calls need there.
    """

    constants: str
    calls: tuple[str, ...]
    kernels: tuple[str, ...]
    weights: int
    tables: int
    structures: tuple[Structure, ...] = ()
    workspace: int = 0


def needs_int16(weights: NDArray[np.int16]) -> bool:
    """Whether 8 bits don't hold the weights, as where their zero point isn't 0."""
    return bool(weights.min(initial=0) < -128 or weights.max(initial=0) > 127)


def code(step: Step) -> Code:
    match step.work:
        case Conv():
            return _conv(step, step.work)
        case Dense():
            return _layer(step, step.work, 1, 1, 0)
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
            return permute(step.identifier, step.work, step.inputs[0], step.output)


def _conv(step: Step, node: Conv) -> Code:
    """A convolution of one output place, whose window is the image, is fully connected."""
    (channels, height, width), (out_c, out_h, out_w) = step.inputs[0].shape, step.output.shape
    window, pooling = node.window, node.pooling or NO_POOLING
    places = pooling.window.kernel[0] * pooling.window.kernel[1]
    if places == out_h == out_w == node.groups == 1 and window == Window((height, width)):
        return _layer(step, node, 1, 1, 0)
    group_in, taps = channels // node.groups, window.kernel[0] * window.kernel[1]
    kind = f"conv{_suffix(node)}"
    memory = taps * channels
    fields = {
        "height": height,
        "width": width,
        "channels": channels,
        "group_in": group_in,
        "out_height": out_h,
        "out_width": out_w,
        "step": step.output.bytes // (out_h * out_w),
        "window": memory,
        "count": taps * group_in,
        "row": window.kernel[1] * channels,
        "rows": int(node.groups == window.dilations[1] == 1),
        "inside": int(_inside(step, window, pooling.window)),
        **window_fields(window),
        "padding": node.padding,
        **pooling_fields(pooling),
    }
    outputs = _layer(step, node, node.groups, places, int(pooling.kind == "max"))
    name = f"{step.identifier}_window"
    arguments = f"&{name}, &{step.identifier}, {step.inputs[0].at}, {step.output.at}, {WORKSPACE}"
    return replace(
        outputs,
        calls=(f"model_{kind}({arguments});",),
        kernels=(*outputs.kernels, kind),
        structures=(*outputs.structures, Structure(kind, name, fields)),
        workspace=memory + (4 * out_c if places > 1 and node.requantize is not None else 0),
    )


def _suffix(node: Conv | Dense) -> str:
    return "_w16" if needs_int16(node.weights) else ""


def _layer(step: Step, node: Conv | Dense, groups: int, places: int, pool_max: int) -> Code:
    """A weighted layer: its tables, its structure, its call as a fully connected one."""
    name, outputs, suffix = step.identifier, len(node.weights), _suffix(node)
    requantize = node.requantize
    multipliers = requantize.multipliers if requantize else ()
    numbers: list[NDArray[np.integer]] = [
        node.start,
        np.array([multiplier.m for multiplier in multipliers], np.int64),
    ]
    fields: dict[str, str | int] = {
        "weights": f"{name}_weights",
        "numbers": f"{name}_numbers",
        "shift": f"{name}_shift" if requantize else "NULL",
        "count": node.weights.size // outputs,
        "outputs": outputs,
        "groups": groups,
        "group_out": outputs // groups,
        "places": places,
        "pool_max": pool_max,
        "m_step": int(len(multipliers) > 1),
        "rounded": int(requantize is not None),
        "zero": requantize.zero_point if requantize else 0,
        "q_min": requantize.low if requantize else 0,
        "q_max": requantize.high if requantize else 0,
    }
    for side, limits in (("low", node.low), ("high", node.high)):
        no_limit = np.array([_NO_LIMIT[side]])
        values = no_limit if limits is None or limits.size == 0 else limits
        fields |= {side: int(values[0]), f"{side}_at": 0}
        if not (values == values[0]).all():
            fields[f"{side}_at"] = sum(table.size for table in numbers)
            numbers.append(values)
    tables = _Tables(name)
    tables.add("numbers", "int32_t", np.concatenate(numbers))
    if requantize:
        tables.add("shift", "uint8_t", _shifts(requantize))
    call = f"model_dense{suffix}(&{name}, {step.inputs[0].at}, {step.output.at}, scratch, 0);"
    return Code(
        array("int16_t" if suffix else "int8_t", f"{name}_weights", node.weights) + tables.text,
        (call,),
        (*_rounding(requantize), f"dot{suffix}", f"dense{suffix}"),
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
        "height": height,
        "width": width,
        "channels": channels,
        "out_height": out_h,
        "out_width": out_w,
        **window_fields(node.window),
        "max": int(node.kind == "max"),
        "count_pads": int(node.count_pads),
        "inside": int(_inside(step, node.window, NO_POOLING.window)),
        "in_zero": step.inputs[0].zero_point,
    }
    return _simple(step, "pool", tables, fields)


def _rescale(step: Step, node: Rescale) -> Code:
    tables = _Tables(step.identifier)
    _requantize(tables, node.requantize)
    channels = step.output.shape[0]
    fields: dict[str, str | int] = {
        "places": step.output.size // channels,
        "channels": channels,
        "in_zero": step.inputs[0].zero_point,
    }
    return _simple(step, "rescale", tables, fields)


def _add(step: Step, node: Add) -> Code:
    """The sum in two parts of 32 bits, made positive by 2**40: see kernels/add.h."""
    (m1, m2), (z1, z2) = node.multipliers, node.zero_points
    begin = 2 ** (node.shift - 1) - z1 * m1 - z2 * m2 + 2**_ADD_BITS
    fields: dict[str, str | int] = {
        "count": step.output.size,
        "offset": node.zero_point - 2 ** (_ADD_BITS - node.shift),
        "a_low": m1 % _ADD_LOW,
        "a_high": m1 // _ADD_LOW,
        "b_low": m2 % _ADD_LOW,
        "b_high": m2 // _ADD_LOW,
        "low": begin % _ADD_LOW,
        "high": begin // _ADD_LOW,
        "shift": node.shift - _ADD_LOW.bit_length() + 1,
        "q_min": node.low,
        "q_max": node.high,
    }
    constants = structure("model_add_layer", step.identifier, fields)
    kind = "add_even" if node.ties else "add"
    return Code(constants, (_call(step, kind),), ("add_layer", kind), 0, 0)


def _call(step: Step, kind: str) -> str:
    """The call of a kernel with the layer's structure, its inputs and its output."""
    places = ", ".join(place.at for place in (*step.inputs, step.output))
    return f"model_{kind}(&{step.identifier}, {places});"


def _simple(step: Step, kind: str, tables: _Tables, fields: dict[str, str | int]) -> Code:
    """A layer without weights."""
    layer = Structure(kind, step.identifier, {**tables.fields, **fields})
    calls, kernels = (_call(step, kind),), (*tables.kernels, kind)
    return Code(tables.text, calls, kernels, 0, tables.bytes, (layer,))


def concat(inputs: tuple[Place, ...], output: Place) -> Code:
    stride, first, calls = output.shape[0], 0, []
    places = output.size // stride
    for source in inputs:
        width = source.shape[0]
        numbers = f"{places}, {width}, {first}, {stride}"
        calls.append(f"model_concat({source.at}, {output.at}, {numbers});")
        first += width
    return Code("", tuple(calls), ("concat",), 0, 0)


def frame(image: Place, output: Place, pads: tuple[int, int, int, int], value: str) -> Code:
    return Code("", (pad_call(image, output.at, pads, value),), ("pad",), 0, 0)


def pad_call(image: Place, out: str, pads: tuple[int, int, int, int], value: int | str) -> str:
    return f"model_pad({_framed(image, out, pads, value)});"


def widen_call(image: Place, out: str, pads: tuple[int, int, int, int], value: int | str) -> str:
    return f"model_widen({_framed(image, out, pads, value)});"


def _framed(image: Place, out: str, pads: tuple[int, int, int, int], value: int | str) -> str:
    channels, height, width = image.shape if len(image.shape) == 3 else (1, 1, image.size)
    top, left, bottom, right = pads
    numbers = (height, width * channels, top, left * channels, bottom, right * channels, value)
    return f"{image.at}, {out}, {', '.join(map(str, numbers))}"


def permute(identifier: str, node: Arrange, source: Place, output: Place) -> Code:
    name, size = f"{identifier}_index", BYTES[output.type]
    call = f"model_permute({source.at}, {output.at}, {name}, {len(node.index)}, {size});"
    return Code(array("uint32_t", name, node.index), (call,), ("permute",), 0, 4 * len(node.index))


def window_fields(window: Window) -> dict[str, int]:
    return {
        "kernel_h": window.kernel[0],
        "kernel_w": window.kernel[1],
        "stride_h": window.strides[0],
        "stride_w": window.strides[1],
        "top": window.pads[0],
        "left": window.pads[1],
        "dilation_h": window.dilations[0],
        "dilation_w": window.dilations[1],
    }


def pooling_fields(pooling: Pooling) -> dict[str, int]:
    return {
        "pool_h": pooling.window.kernel[0],
        "pool_w": pooling.window.kernel[1],
        "pool_stride_h": pooling.window.strides[0],
        "pool_stride_w": pooling.window.strides[1],
    }


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


def _requantize(tables: _Tables, requantize: Requantize | None) -> None:
    tables.kernels = _rounding(requantize)
    if requantize is None:
        tables.fields |= {"m": "NULL", "shift": "NULL", "m_step": 0}
        tables.fields |= {"zero": 0, "q_min": 0, "q_max": 0}
        return
    multipliers = requantize.multipliers
    tables.add("m", "int32_t", np.array([multiplier.m for multiplier in multipliers]))
    tables.add("shift", "uint8_t", _shifts(requantize))
    tables.fields |= {
        "m_step": int(len(multipliers) > 1),
        "zero": requantize.zero_point,
        "q_min": requantize.low,
        "q_max": requantize.high,
    }


def _shifts(requantize: Requantize) -> NDArray[np.integer]:
    more = _EVEN if requantize.ties else 0
    return np.array([multiplier.s + more for multiplier in requantize.multipliers])


def _rounding(requantize: Requantize | None) -> tuple[str, str]:
    """The kernels that round."""
    even = requantize is not None and requantize.ties
    return "floor_shift", "requantize_even" if even else "requantize"
