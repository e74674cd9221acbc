"""Tables and fields that the faster kernels share: their requantization, and limits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.emit.c_syntax import array
from quantbench.c99.emit.fragments import Fields, Tables
from quantbench.c99.ir.graph import LIMITS, Requantization
from quantbench.c99.nodes.layer import Layer
from quantbench.numerics.fixed_point import Multiplier

_MIN_SHIFT, _MAX_SHIFT = 33, 64


def takes_upper_half(requantize: Requantization | None) -> bool:
    """Whether kernels/high_requantize.h rounds to the same integers.

    No tie can occur, and every shift drops the lower half of the product and one bit more.
    """
    return (
        requantize is not None
        and not requantize.ties
        and all(
            _MIN_SHIFT <= factor.s <= _MAX_SHIFT or factor.m == 0
            for factor in requantize.multipliers
        )
    )


def requantization(name: str, layer: Layer) -> tuple[Tables, Fields]:
    """The constants of a layer beside its weights, and its fields.

    `numbers`: of each output the bias, then m; then limits that differ by output.
    """
    requantize, outputs = layer.requantize, len(layer.weights)
    assert requantize is not None
    factors = requantize.multipliers
    by_output = factors if len(factors) > 1 else factors * outputs
    m = np.array([factor.m for factor in by_output], np.int64)
    numbers = [np.stack([layer.bias.astype(np.int64), m], axis=1).ravel()]
    fields: Fields = {
        "zero": requantize.zero_point,
        "q_min": requantize.low,
        "q_max": requantize.high,
    }
    for side, limits, none in zip(
        ("low", "high"), (layer.low, layer.high), LIMITS["int32"], strict=True
    ):
        values = np.array([none]) if limits is None or limits.size == 0 else limits
        fields |= {side: int(values[0]), f"{side}_at": 0}
        if not (values == values[0]).all():
            fields[f"{side}_at"] = sum(table.size for table in numbers)
            numbers.append(values.astype(np.int64))
    tables = Tables(name)
    tables.add("numbers", "int32_t", np.concatenate(numbers))
    tables.add("shift", "uint8_t", np.array([_shift(factor) for factor in by_output]))
    return tables, {**tables.fields, **fields}


def weights_array(name: str, weights: NDArray[np.integer]) -> str:
    """The constant LAYER_weights, which begins where a word does."""
    return array("int8_t", f"{name}_weights", weights, attribute=" MODEL_OF_WORDS")


def _shift(factor: Multiplier) -> int:
    return factor.s - _MIN_SHIFT if factor.m else 0
