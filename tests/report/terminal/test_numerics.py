from __future__ import annotations

import pytest

from quantbench.numerics.formats import ALL_FLOAT32, FLOAT32, NumberFormat
from quantbench.report.terminal.numerics import coded, spelled
from tests import formats as f
from tests.report.builder import LINEAR_MACS, MACS, row

FLOAT16 = NumberFormat(kind="float", bits=16)


@pytest.mark.parametrize(
    ("numerics", "code", "words"),
    [
        (ALL_FLOAT32, "float32", "float32"),
        (f.numerics(f.INT8_CHANNEL, f.UINT8_STATED), "w8c a8u", "w8 per channel, a8 unsigned"),
        (f.numerics(f.INT8_CHANNEL, f.UINT8_7), "w8c a7u", "w8 per channel, a7 unsigned"),
        (f.numerics(f.INT8_CHANNEL, f.UINT8_UNIT), "w8c a8u", "w8 per channel, a8 unsigned"),
        (f.numerics(f.INT8_TENSOR, f.INT8), "w8t a8s", "w8 per tensor, a8 signed"),
        (
            f.numerics((f.INT8_CHANNEL_7, f.INT8_CHANNEL), (f.INT8, f.UINT8)),
            "w7/8c a8su",
            "w7/8 per channel, a8 signed/unsigned",
        ),
        (
            f.numerics((f.UINT8_TENSOR, f.UINT8_CHANNEL), f.UINT8_DYNAMIC),
            "w8tc a8ud",
            "w8 per tensor/channel, a8 dynamic",
        ),
        (f.numerics(f.INT4_GROUP, f.INT8), "w4g a8s", "w4 per group, a8 signed"),
        (f.numerics(f.INT8_CHANNEL, FLOAT32), "w8c a32f", "w8 per channel, a32 float"),
        (f.numerics(FLOAT16, FLOAT16), "float16", "float16"),
    ],
)
def test_formats_in_short(numerics, code, words):
    this = row(numerics=numerics, float_macs=0)
    assert coded(this) == code
    assert spelled(this) == words


def test_says_how_much_stayed_float():
    left = row(numerics=f.numerics(f.INT8_CHANNEL, f.UINT8_STATED), float_macs=MACS - LINEAR_MACS)
    assert coded(left) == "w8c a8u f97%"
    assert spelled(left) == "w8 per channel, a8 unsigned, 97% float"
