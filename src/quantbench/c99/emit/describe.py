"""Describe layers in the words of their user: for comments and for the table of layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from quantbench.c99.emit.namespace import comment
from quantbench.c99.emit.scalar import needs_int16
from quantbench.c99.ir import float32
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
from quantbench.c99.passes.float32_layout import FloatStep
from quantbench.c99.passes.layout import Arrange, Place, Step

AnyStep = Step | FloatStep


@dataclass(frozen=True)
class Description:
    """One layer: its name in the network, `1x32x32 -> 6x14x14`, its operation, its formats."""

    label: str
    shapes: str
    operation: str
    numbers: str

    @property
    def sentence(self) -> str:
        return f"{self.label}: {self.shapes}, {self.operation}"


def describe(step: AnyStep, labels: Mapping[str, str]) -> Description:
    """`labels`: the layers' names in the user's network, by the name of their work."""
    label = comment(labels.get(step.work.name) or step.work.name.partition(" (")[0])
    inputs = " + ".join(_shape(place) for place in step.inputs)
    return Description(label, f"{inputs} -> {_shape(step.output)}", operation(step), _numbers(step))


def operation(step: AnyStep) -> str:
    """`5x5 conv, ReLU, 2x2 average pool`."""
    work = step.work
    match work:
        case Conv() | float32.Conv():
            words = [_conv(work), *_activation(work), *_pooling(work.pooling)]
        case Dense() | float32.Dense():
            words = ["fully connected", *_activation(work)]
        case Pool() | float32.Pool():
            words = [_window(work.window, f"{work.kind} pool")]
        case Add() | float32.Add():
            words = ["add", *_activation(work)]
        case Rescale():
            words = ["change of scale", *_activation(work)]
        case float32.Activate():
            words = _activation(work)
        case Concat():
            words = ["concatenation of channels"]
        case Pad() | float32.Pad():
            words = [f"pad {_pads(work.pads)}"]
        case Arrange():
            words = ["change of memory order"]
    return ", ".join(words)


def _shape(place: Place) -> str:
    return "x".join(map(str, place.shape))


def _conv(work: Conv | float32.Conv) -> str:
    name = "conv"
    if work.groups > 1:
        depthwise = work.groups == len(work.weights)
        name = "depthwise conv" if depthwise else f"conv of {work.groups} groups"
    return _window(work.window, name)


def _window(window: Window, name: str) -> str:
    words = f"{_by(window.kernel)} {name}"
    if window.strides != (1, 1):
        words += f" stride {_side(window.strides)}"
    if any(window.pads):
        words += f" pad {_pads(window.pads)}"
    if window.dilations != (1, 1):
        words += f" dilation {_side(window.dilations)}"
    return words


def _pooling(pooling: Pooling | None) -> list[str]:
    if pooling is None:
        return []
    words = f"{_by(pooling.window.kernel)} {pooling.kind} pool"
    if pooling.window.strides != pooling.window.kernel:
        words += f" stride {_side(pooling.window.strides)}"
    return [words]


def _activation(
    work: Conv
    | Dense
    | Rescale
    | Add
    | float32.Conv
    | float32.Dense
    | float32.Add
    | float32.Activate,
) -> list[str]:
    """ReLU where nothing below 0 goes on: by limits, or by the range of the output's integers."""
    match work:
        case Conv() | Dense():
            is_relu = work.low is not None and not np.any(work.low)
            is_relu = is_relu or (work.requantize is not None and _from_zero(work.requantize))
            is_clip = work.low is not None or work.high is not None
        case Rescale():
            is_relu, is_clip = _from_zero(work.requantize), False
        case Add():
            is_relu, is_clip = work.low == work.zero_point, False
        case _:
            low, high = work.clamp.low, work.clamp.high
            if low == 0 and high is not None:
                return [f"ReLU up to {high:g}"]
            is_relu, is_clip = low == 0, low is not None or high is not None
    if is_relu:
        return ["ReLU"]
    return ["clip"] if is_clip else []


def _from_zero(requantize: Requantize) -> bool:
    return requantize.low == requantize.zero_point


def _numbers(step: AnyStep) -> str:
    """The formats of input, weights and output: `uint8 x int8 -> uint8`."""
    inputs: str = step.inputs[0].type
    if isinstance(step.work, Conv | Dense):
        inputs += " x int16" if needs_int16(step.work.weights) else " x int8"
    return inputs if inputs == step.output.type else f"{inputs} -> {step.output.type}"


def _by(sides: tuple[int, int]) -> str:
    return f"{sides[0]}x{sides[1]}"


def _side(sides: tuple[int, int]) -> str:
    return str(sides[0]) if sides[0] == sides[1] else _by(sides)


def _pads(pads: tuple[int, int, int, int]) -> str:
    return str(pads[0]) if len(set(pads)) == 1 else ",".join(map(str, pads))
