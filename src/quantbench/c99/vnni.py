"""Convolutions and fully connected layers for AVX-512 VNNI, from their shapes.

Output channels lie in lanes, 16 or, where no more than 8 are left, 8. A window's rows of
kernel_w * C bytes are contiguous; each four bytes of one are broadcast and multiplied with four
weights a lane. A tile of positions and of blocks of channels stays in registers; activation,
pooling and requantization happen there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantbench.c99 import pixels
from quantbench.c99.arithmetic import accumulator_bounds
from quantbench.c99.graph import Conv, Dense, Pooling, Window
from quantbench.c99.lanes import Shape, groups, packed
from quantbench.c99.plan import Step
from quantbench.c99.portable import pad_call, wide
from quantbench.c99.text import array
from quantbench.c99.tiles import function

_NARROW = 2**30
_ONE = Pooling("average", Window((1, 1)))


@dataclass(frozen=True)
class FastCode:
    """Of one step; `room` is memory that its calls need at TEMPORARY, a name in C."""

    text: str
    calls: tuple[str, ...]
    room: int


def code(step: Step) -> FastCode | None:
    """None where the portable kernel must do."""
    node = step.work
    if not isinstance(node, Conv | Dense) or wide(node.weights) or not _narrow(node):
        return None
    if isinstance(node, Conv) and node.groups != 1:
        return None
    if node.requantize is None and step.output.at != "output":
        return None  # int32 in scratch memory, whose alignment isn't known
    return _layer(step, node)


def _narrow(node: Conv | Dense) -> bool:
    """Whether 32 bits hold what is rounded, before it is clamped."""
    if node.requantize is None:
        return True
    _, _, most = accumulator_bounds(
        node.start.astype(np.int64), node.weights.astype(np.int64), 0, 255
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


def _shape(step: Step, node: Conv | Dense) -> Shape:
    if isinstance(node, Dense):
        inputs = step.inputs[0].size
        weights = node.weights[:, None, :]
        return Shape(1, inputs, step.output.size, 1, 1, Window((1, 1)), _ONE, weights)
    channels, _, width = step.inputs[0].shape
    outputs, out_height, out_width = step.output.shape
    _, left, _, right = node.window.pads
    lying = node.weights
    runs = lying.shape[1] * (lying.shape[2] if node.window.dilations[1] > 1 else 1)
    return Shape(
        width + left + right, channels, outputs, out_height, out_width,
        node.window, node.pooling or _ONE, lying.reshape(outputs, runs, -1),
    )  # fmt: skip


def _layer(step: Step, node: Conv | Dense) -> FastCode:
    shape = _shape(step, node)
    name = step.identifier
    positions = shape.pooling.window.kernel[0] * shape.pooling.window.kernel[1]
    one_place = shape.out_height * shape.out_width * positions == 1
    parts, calls, room, source = [], [], 0, step.inputs[0].at
    if isinstance(node, Conv) and any(node.window.pads):
        channels, height, _ = step.inputs[0].shape
        top, _, bottom, _ = node.window.pads
        room = (height + top + bottom) * shape.width * channels
        calls.append(pad_call(step.inputs[0], "TEMPORARY", node.window.pads, node.padding))
        source = "TEMPORARY"
    parts.append(_tables(name, node, shape.outputs))
    pixels_fit = isinstance(node, Conv) and pixels.fits(node, shape)
    if isinstance(node, Conv) and pixels_fit:
        parts += ["#if MODEL_VBMI\n", pixels.text(f"{name}_pixels", name, node, shape), "#else\n"]
        calls += ["#if MODEL_VBMI", f"{name}_pixels({source}, {step.output.at});", "#else"]
    for number, group in enumerate(groups(shape.outputs, one_place, positions)):
        own = f"{name}_{number}"
        parts.append(
            _aligned(array("int8_t", f"{own}_weights", packed(shape.weights, group)))
            + function(own, name, node, shape, group)
        )
        calls.append(f"{own}({source}, {step.output.at});")
    if pixels_fit:
        parts.append("#endif\n")
        calls.append("#endif")
    return FastCode("".join(parts), tuple(calls), room)


def _tables(name: str, node: Conv | Dense, outputs: int) -> str:
    text = _lanes(f"{name}_start", node.start, outputs)
    for limit in ("low", "high"):
        given: NDArray[np.int32] | None = getattr(node, limit)
        if given is not None:
            text += _lanes(f"{name}_{limit}", given, outputs)
    if node.requantize is not None:
        many = node.requantize.multipliers
        for field, values in (("m", [one.m for one in many]), ("shift", [one.s for one in many])):
            text += _lanes(f"{name}_{field}", np.array(values), outputs)
    return text


def _lanes(name: str, values: NDArray[np.integer], outputs: int) -> str:
    """For every channel, and for the lanes behind the last."""
    many = np.broadcast_to(values, (outputs,)) if len(values) == 1 else values
    return _aligned(array("int32_t", name, np.pad(many, (0, -outputs % 16), mode="edge")))


def _aligned(text: str) -> str:
    return text.replace("[] =", "[] __attribute__((aligned(64))) =", 1)
