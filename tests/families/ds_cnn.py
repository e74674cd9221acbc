"""DS-CNN for spoken keywords, on 49 frames of 10 MFCCs, as in MLPerf Tiny."""

from __future__ import annotations

from torch import nn

from quantbench.samples.records import Array, Arrays
from quantbench.tasks.network import TensorSpec
from tests.families import generate
from tests.families.blocks import classifier, conv_bn
from tests.families.family import Family, channels, repeats

SHAPE, CLASSES = (1, 49, 10), 12


def build(width: float) -> nn.Module:
    count = channels(64, width)
    blocks = (
        nn.Sequential(
            conv_bn(count, count, groups=count, bias=True), conv_bn(count, count, 1, bias=True)
        )
        for _ in range(repeats(4, width))
    )
    return nn.Sequential(
        nn.ZeroPad2d((1, 1, 4, 5)), nn.Conv2d(1, count, (10, 4), 2), nn.BatchNorm2d(count),
        nn.ReLU(), *blocks, classifier(count, CLASSES),
    )  # fmt: skip


def inputs(width: float) -> tuple[TensorSpec, ...]:
    return (TensorSpec(name="mfcc", shape=SHAPE),)


def samples(width: float, count: int, seed: int) -> tuple[Arrays, Array]:
    return generate.waves(SHAPE, CLASSES, count, seed, axis=1)


FAMILY = Family(
    "DS-CNN",
    "Zhang et al., Hello Edge, 2017, in the size of MLPerf Tiny: Banbury et al., 2021",
    build, inputs, samples, parameters=24_908, macs=2_656_768, counts_statistics=True,
)  # fmt: skip
