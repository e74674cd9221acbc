"""One trunk with two heads: a class, and whether its number is odd."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from quantbench.samples.records import Array, Arrays
from quantbench.tasks.network import TensorSpec
from tests.families import generate
from tests.families.blocks import classifier, conv_bn
from tests.families.family import Family, Outputs, channels

SIZE, CLASSES = 32, 4


class TwoOutputs(nn.Module):
    def __init__(self, count: int) -> None:
        super().__init__()
        self.trunk = nn.Sequential(conv_bn(3, count, 3, 2), conv_bn(count, count, 3, 2))
        self.kind = classifier(count, CLASSES)
        self.odd = classifier(count, 2)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = self.trunk(images)
        return self.kind(features), self.odd(features)


def build(width: float) -> nn.Module:
    return TwoOutputs(channels(16, width))


def inputs(width: float) -> tuple[TensorSpec, ...]:
    return (TensorSpec(name="image", shape=(3, SIZE, SIZE)),)


def samples(width: float, count: int, seed: int) -> tuple[Arrays, Array]:
    return generate.images(SIZE, CLASSES, count, seed)


def both(outputs: Outputs, targets: Tensor) -> Tensor:
    return F.cross_entropy(outputs[0], targets) + F.cross_entropy(outputs[1], targets % 2)


FAMILY = Family(
    "Two outputs", "counted by hand", build, inputs, samples, parameters=2902, macs=258_144,
    loss=both,
)  # fmt: skip
