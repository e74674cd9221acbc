"""MobileNetV1 of a quarter of the channels on images of 96x96, as in MLPerf Tiny."""

from __future__ import annotations

from torch import nn

from quantbench.samples.records import Array, Arrays
from quantbench.tasks.network import TensorSpec
from tests.families import generate
from tests.families.blocks import classifier, conv_bn
from tests.families.family import Family, channels

SIZE, CLASSES = 96, 2
STAGES = ((16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), *[(128, 1)] * 5, (256, 2),
          (256, 1))  # fmt: skip
"""Channels and stride of each pair of a depthwise convolution and one of 1x1."""


def build(width: float) -> nn.Module:
    before = channels(8, width)
    parts: list[nn.Module] = [conv_bn(3, before, 3, 2, bias=True)]
    for full, stride in STAGES:
        after = channels(full, width)
        parts += [
            conv_bn(before, before, 3, stride, before, bias=True),
            conv_bn(before, after, 1, bias=True),
        ]
        before = after
    return nn.Sequential(*parts, classifier(before, CLASSES))


def inputs(width: float) -> tuple[TensorSpec, ...]:
    return (TensorSpec(name="image", shape=(3, SIZE, SIZE)),)


def samples(width: float, count: int, seed: int) -> tuple[Arrays, Array]:
    return generate.images(SIZE, CLASSES, count, seed)


FAMILY = Family(
    "MobileNetV1 0.25", "Howard et al., 2017; in the size of MLPerf Tiny: Banbury et al., 2021",
    build, inputs, samples, parameters=221_794, macs=7_489_664, counts_statistics=True,
    epochs=3, near_identity=True,
)  # fmt: skip
