from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from quantbench.numerics.formats import (
    ALL_FLOAT32,
    FLOAT32,
    NumberFormat,
    Numerics,
    activations_text,
    bits_of_range,
    weights_text,
)
from tests import formats as f


@pytest.mark.parametrize(
    ("format", "as_weights", "as_activations"),
    [
        (FLOAT32, "float32", "float32"),
        (NumberFormat(kind="float", bits=16), "float16", "float16"),
        (f.INT8_CHANNEL, "int8 per channel", "int8"),
        (f.INT8_CHANNEL_7, "int8 per channel (7 bits)", "int8 (7 of 8 bits)"),
        (f.UINT8_TENSOR, "uint8 per tensor", "uint8 (8 bits)"),
        (f.UINT8, "uint8 per tensor", "uint8"),
        (f.UINT8_7, "uint8 per tensor (7 bits)", "uint8 (7 of 8 bits)"),
        (f.UINT8_DYNAMIC, "uint8 per tensor", "uint8 scaled at run time"),
        (f.UINT8_UNIT, "uint8 per tensor", "uint8 at scale 1"),
        (f.INT4_GROUP, "int4 per group of 32", "int4"),
    ],
)
def test_the_words_of_a_format(format: NumberFormat, as_weights: str, as_activations: str) -> None:
    assert weights_text(format) == as_weights
    assert activations_text(format) == as_activations


def test_a_network_is_told_in_one_line_each_format_once() -> None:
    both = (f.INT8_CHANNEL_7, f.INT8_CHANNEL, f.INT8_CHANNEL.model_copy(update={"axis": 1}))
    numerics = Numerics(weights=both, activations=(f.INT8, f.UINT8))
    assert numerics.text == (
        "weights int8 per channel (7 bits) and int8 per channel, activations int8 and uint8"
    )
    assert (ALL_FLOAT32.text, ALL_FLOAT32.quantized) == ("float32", False)
    weight_only = f.numerics(f.INT4_GROUP, FLOAT32)
    assert weight_only.text == "weights int4 per group of 32, activations float32"


@pytest.mark.parametrize(
    "fields",
    [
        {"bits": 0},
        {"bits": 65},
        {"bits": 8, "used_bits": 9},
        {"bits": 4, "granularity": "group"},
        {"bits": 4, "group": 32},
        {"bits": 8, "granularity": "row"},
        {"bits": 8, "axis": -1},
        {"bits": 8, "scale": 0.5},
    ],
)
def test_a_format_that_can_not_be_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        NumberFormat.model_validate(fields)


@given(st.builds(NumberFormat, bits=st.integers(1, 64), signed=st.booleans(),
                 scaling=st.sampled_from(["static", "dynamic", "unit"]),
                 granularity=st.sampled_from(["tensor", "channel"])))  # fmt: skip
def test_a_format_is_the_same_when_read_back(format: NumberFormat) -> None:
    assert NumberFormat.model_validate_json(format.model_dump_json()) == format


@pytest.mark.parametrize(
    ("low", "high", "signed", "bits"),
    [
        (-128, 127, True, 8), (-127, 127, True, 8), (-65, 3, True, 8), (-64, 64, True, 7),
        (0, 65, True, 8), (-8, 7, True, 4), (0, 255, False, 8), (0, 127, False, 7),
        (0, 128, False, 7), (3, 132, False, 8), (0, 15, False, 4), (0, 1, False, 1),
        (0, 0, True, None), (7, 7, False, None),
    ],
)  # fmt: skip
def test_the_bits_of_a_range(low: int, high: int, signed: bool, bits: int | None) -> None:
    assert bits_of_range(low, high, signed=signed) == bits
