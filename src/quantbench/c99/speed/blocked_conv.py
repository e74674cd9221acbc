"""Convolutions without groups, two outputs of two positions at a time."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.emit.fragments import (
    NO_POOLING,
    WORKSPACE,
    input_fields,
    output_fields,
    pooling_fields,
    window_fields,
    windows_inside,
)
from quantbench.c99.ir.code import Code, Structure
from quantbench.c99.ir.graph import Step
from quantbench.c99.nodes.conv import Conv
from quantbench.c99.speed.tables import requantization, weights_array

_KIND = "blocked_conv"
_FOUR = 4


def fits(step: Step, node: Conv) -> bool:
    """Whether there are two outputs and two positions. Sums that are pooled are computed once."""
    outputs, positions = len(node.weights), math.prod(step.output.shape[1:])
    places = math.prod((node.pooling or NO_POOLING).window.kernel)
    once = outputs % 2 == 0 or places == 1
    return node.groups == 1 and outputs > 1 and positions * places > 1 and once


def code(step: Step, node: Conv) -> Code:
    """The C of one layer."""
    name, pooling = step.identifier, node.pooling or NO_POOLING
    outputs, places = len(node.weights), math.prod(pooling.window.kernel)
    channels, count = step.inputs[0].shape[0], node.weights[0].size
    in_fours = channels % _FOUR == 0
    packed = _packed(node.weights.reshape(outputs, count))
    fours = -(-count // _FOUR)
    tables, rounding = requantization(name, node)
    fields = {
        "weights": f"{name}_weights",
        **rounding,
        **input_fields(step),
        **output_fields(step),
        "outputs": outputs,
        "fours": fours,
        "in_fours": int(in_fours),
        "inside": int(windows_inside(step, node.window, pooling.window)),
        **window_fields(node.window),
        "padding": node.padding,
        **pooling_fields(pooling),
        "places": places,
        "pool_max": int(pooling.kind == "max"),
    }
    call = f"model_{_KIND}(&{name}, {step.inputs[0].at}, {step.output.at}, {WORKSPACE});"
    sums, gathered = 4 * outputs if places > 1 else 0, 0 if in_fours else count + 3
    return Code(
        weights_array(name, packed) + tables.text,
        (call,),
        ("simd32", "high_requantize", _KIND),
        packed.size,
        tables.bytes,
        (Structure(_KIND, name, fields),),
        workspace=3 + 16 * fours + sums + gathered,
    )


def _packed(weights: NDArray[np.int16]) -> NDArray[np.int16]:
    """Weights [outputs, count] by pairs of outputs and fours of values, with zeros behind.

    The last two outputs are the last two, so that one may stand twice.
    """
    outputs, count = weights.shape
    firsts = [min(first, outputs - 2) for first in range(0, outputs, 2)]
    whole = np.pad(weights, ((0, 0), (0, -count % _FOUR)))
    pairs = np.stack([whole[first : first + 2] for first in firsts])
    return pairs.reshape(len(firsts), 2, -1, _FOUR).transpose(0, 2, 1, 3)
