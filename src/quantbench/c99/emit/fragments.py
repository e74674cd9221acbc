"""Fields, tables and calls of portable kernels, which layers of a kind share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.emit.c_syntax import array, real
from quantbench.c99.ir.code import Code, Structure
from quantbench.c99.ir.graph import Place, Pooling, Requantization, Step, Window

NO_POOLING = Pooling("average", Window((1, 1)))
WORKSPACE = "MODEL_WORKSPACE"
"""The memory behind the tensors of the plan, which single calls use."""
_EVEN = 64
"""Added to the shifts of a layer with ties: see kernels/requantize_even.h."""
Fields = dict[str, str | int]


def needs_int16(weights: NDArray[np.int16]) -> bool:
    """Whether the weights need more than int8, as they may where their zero point isn't 0."""
    return bool(weights.min(initial=0) < -128 or weights.max(initial=0) > 127)


def call(step: Step, kernel: str, *more: int | str) -> str:
    """The call of a kernel with the layer's structure, its inputs, its output and `more`."""
    places = (place.at for place in (*step.inputs, step.output))
    return f"model_{kernel}({', '.join([f'&{step.identifier}', *places, *map(str, more)])});"


def layer_code(step: Step, kernel: str, tables: Tables, fields: Fields) -> Code:
    """A layer without weights: one structure, one call."""
    layer = Structure(kernel, step.identifier, {**tables.fields, **fields})
    calls, kernels = (call(step, kernel),), (*tables.kernels, kernel)
    return Code(tables.text, calls, kernels, tables=tables.bytes, structures=(layer,))


def pad_call(image: Place, out: str, pads: tuple[int, int, int, int], value: int | str) -> str:
    """The call that copies an image to `out` with a frame of `value`.

    `pads`: top, left, bottom, right.
    """
    return f"model_pad({_framed(image, out, pads, value)});"


def widen_call(image: Place, out: str, pads: tuple[int, int, int, int], value: int | str) -> str:
    """The call that copies an image of bytes to `out` as int16, with a frame of `value`.

    `pads`: top, left, bottom, right.
    """
    return f"model_widen({_framed(image, out, pads, value)});"


def _framed(image: Place, out: str, pads: tuple[int, int, int, int], value: int | str) -> str:
    channels, height, width = image.shape if len(image.shape) == 3 else (1, 1, image.size)
    top, left, bottom, right = pads
    numbers = (height, width * channels, top, left * channels, bottom, right * channels, value)
    return f"{image.at}, {out}, {', '.join(map(str, numbers))}"


def input_fields(step: Step) -> dict[str, int]:
    """The fields of a structure that hold the input's height, width and channels."""
    channels, height, width = step.inputs[0].shape
    return {"height": height, "width": width, "channels": channels}


def output_fields(step: Step) -> dict[str, int]:
    """The fields of a structure that hold the output's height and width."""
    _, height, width = step.output.shape
    return {"out_height": height, "out_width": width}


def window_fields(window: Window) -> dict[str, int]:
    """The fields of a structure that hold a window: kernel, strides, pads and dilations."""
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
    """The fields of a structure that hold a fused pooling: kernel and strides."""
    return {
        "pool_h": pooling.window.kernel[0],
        "pool_w": pooling.window.kernel[1],
        "pool_stride_h": pooling.window.strides[0],
        "pool_stride_w": pooling.window.strides[1],
    }


def windows_inside(step: Step, window: Window, pooling: Window) -> bool:
    """Whether no window leaves the image: neither before it begins nor behind its end."""
    sides = zip(step.inputs[0].shape[1:], step.output.shape[1:], strict=True)
    return not any(window.pads[:2]) and all(
        ((places - 1) * pooling.strides[axis] + pooling.kernel[axis] - 1) * window.strides[axis]
        + (window.kernel[axis] - 1) * window.dilations[axis]
        < size
        for axis, (size, places) in enumerate(sides)
    )


class Tables:
    """Constants of a layer beside its weights, and the fields that point to them."""

    def __init__(self, layer: str) -> None:
        self.layer = layer
        self.text = ""
        self.bytes = 0
        self.fields: Fields = {}
        self.kernels: tuple[str, ...] = ()

    def add(self, field: str, type: str, values: NDArray[np.integer]) -> None:
        """Add the constant LAYER_FIELD of C type `type`, and the field that points to it."""
        name = f"{self.layer}_{field}"
        self.text += array(type, name, values)
        self.bytes += len(values) * (1 if type == "uint8_t" else 4)
        self.fields[field] = name

    def add_requantization(self, requantize: Requantization | None) -> None:
        """Add multipliers, shifts, zero point and range; None: fields for a layer without them."""
        self.kernels = rounding_kernels(requantize)
        if requantize is None:
            self.fields |= {"m": "NULL", "shift": "NULL", "m_step": 0}
            self.fields |= {"zero": 0, "q_min": 0, "q_max": 0}
            return
        multipliers = requantize.multipliers
        self.add("m", "int32_t", np.array([multiplier.m for multiplier in multipliers]))
        self.add("shift", "uint8_t", shifts(requantize))
        self.fields |= {
            "m_step": int(len(multipliers) > 1),
            "zero": requantize.zero_point,
            "q_min": requantize.low,
            "q_max": requantize.high,
        }


def shifts(requantize: Requantization) -> NDArray[np.integer]:
    """The shifts of a requantization, plus 64 where ties can occur: the kernel reads that flag."""
    more = _EVEN if requantize.ties else 0
    return np.array([multiplier.s + more for multiplier in requantize.multipliers])


def applied_multipliers(requantize: Requantization) -> NDArray[np.int64]:
    """The multipliers of a layer: those of one shift, where these are proved."""
    common = requantize.short.common
    if common is not None:
        return np.array(common.m, np.int64)
    return np.array([multiplier.m for multiplier in requantize.multipliers], np.int64)


def common_fields(requantize: Requantization | None) -> dict[str, int]:
    """The fields `common`, `more` and `zero`: see kernels/requantize_common.h."""
    common = requantize.short.common if requantize else None
    zero_point = requantize.zero_point if requantize else 0
    if common is None:
        return {"common": 0, "more": 0, "zero": zero_point}
    more = common.shift - 32
    return {"common": 1, "more": more, "zero": zero_point - 2 ** (30 - more)}


def rounding_kernels(requantize: Requantization | None) -> tuple[str, str]:
    """The kernels that round: half to even only where ties can occur, else half up."""
    even = requantize is not None and requantize.ties
    return "floor_shift", "requantize_even" if even else "requantize"


def float_limits(low: float | None, high: float | None) -> str:
    """The initializer of a `model_limits`; None: no limit."""
    numbers = ", ".join(real(limit or 0.0) for limit in (low, high))
    return f"{{{numbers}, {int(low is not None)}, {int(high is not None)}}}"


def clamp_code(step: Step, kernel: str, low: float | None, high: float | None) -> Code:
    """The code of a step that clamps every float32 number to limits; None: no limit."""
    constant = f"static const model_limits {step.identifier} = {float_limits(low, high)};\n"
    return Code(constant, (call(step, kernel, step.output.size),), ("clamp", kernel))
