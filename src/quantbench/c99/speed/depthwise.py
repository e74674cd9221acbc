"""Depthwise convolutions, four channels at a time."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.emit.fragments import WORKSPACE, input_fields, output_fields, window_fields
from quantbench.c99.emit.kernels import MAX_DEPTHWISE_TAPS
from quantbench.c99.ir.code import Code, Structure
from quantbench.c99.ir.graph import Step
from quantbench.c99.nodes.conv import Conv
from quantbench.c99.speed.tables import requantization, weights_array

_KIND = "depthwise"
_FOUR = 4


def fits(step: Step, node: Conv) -> bool:
    """Whether each output channel has its own input channel, and the kernel holds the window."""
    channels = step.inputs[0].shape[0]
    return (
        node.groups == channels == len(node.weights)
        and channels >= _FOUR
        and node.pooling is None
        and math.prod(node.window.kernel) < MAX_DEPTHWISE_TAPS
    )


def code(step: Step, node: Conv) -> Code:
    """The C of one layer."""
    name, channels, taps = step.identifier, len(node.weights), math.prod(node.window.kernel)
    packed = _packed(node.weights.reshape(channels, taps))
    tables, rounding = requantization(name, node)
    input = input_fields(step)
    fields = {
        "weights": f"{name}_weights",
        **rounding,
        **input,
        **output_fields(step),
        **window_fields(node.window),
        "pairs": -(-taps // 2),
        "padding": node.padding,
    }
    call = f"model_{_KIND}(&{name}, {step.inputs[0].at}, {step.output.at}, {WORKSPACE});"
    return Code(
        weights_array(name, packed) + tables.text,
        (call,),
        ("simd32", "high_requantize", _KIND),
        packed.size,
        tables.bytes,
        (Structure(_KIND, name, fields),),
        workspace=channels,
    )


def _packed(weights: NDArray[np.int16]) -> NDArray[np.int16]:
    """Weights [channels, taps] by fours of channels, pairs of taps, pairs of channels.

    The last four channels are the last four, so that some may stand twice.
    """
    channels, taps = weights.shape
    firsts = [min(first, channels - _FOUR) for first in range(0, channels, _FOUR)]
    even = np.pad(weights, ((0, 0), (0, taps % 2)))
    fours = np.stack([even[first : first + _FOUR] for first in firsts])
    pairs = fours.reshape(len(firsts), 2, 2, -1, 2)  # four, pair of channels, channel, pair, tap
    return pairs.transpose(0, 3, 1, 4, 2)
