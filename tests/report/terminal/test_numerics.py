from __future__ import annotations

import pytest

from quantbench.report.terminal.numerics import coded, spelled
from tests.report.builder import LINEAR_MACS, MACS, row


@pytest.mark.parametrize(
    ("numerics", "code", "words"),
    [
        ("float32", "float32", "float32"),
        ("weights int8 per channel, activations uint8 (8 bits)", "w8c a8u", "a8 unsigned"),
        ("weights int8 per channel, activations uint8 (7 of 8 bits)", "w8c a7u", "a7 unsigned"),
        ("weights int8 per tensor, activations int8", "w8t a8s", "w8 per tensor, a8 signed"),
        (
            "weights int8 per channel (7 bits) and int8 per channel, activations int8 and uint8",
            "w7/8c a8su",
            "w7/8 per channel, a8 signed/unsigned",
        ),
        (
            "weights uint8 per tensor and uint8 per channel, activations uint8, scaled at run time",
            "w8tc a8ud",
            "w8 per tensor/channel, a8 dynamic",
        ),
        ("weights of a new kind, activations too", None, None),
        ("[/]", "[/]", "[/]"),
    ],
)
def test_formats_in_short(numerics, code, words):
    this = row(numerics=numerics, float_macs=0)
    assert coded(this) == (code or numerics)
    assert spelled(this).endswith(words or numerics)


def test_says_how_much_stayed_float():
    left = row(
        numerics="weights int8 per channel, activations uint8", float_macs=MACS - LINEAR_MACS
    )
    assert coded(left) == "w8c a8u f97%"
    assert spelled(left) == "w8 per channel, a8 unsigned, 97% float"
