"""An image and a vector of features beside it: a network with two inputs."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from quantbench.samples.records import Array, Arrays
from quantbench.tasks.network import TensorSpec
from tests.families import generate
from tests.families.blocks import conv_bn
from tests.families.family import Family, channels

IMAGE, FEATURES, CLASSES = (1, 28, 28), 8, 4


class TwoInputs(nn.Module):
    def __init__(self, count: int) -> None:
        super().__init__()
        self.image = nn.Sequential(
            conv_bn(1, count, 3, 2), conv_bn(count, count, 3, 2), nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )  # fmt: skip
        self.features = nn.Sequential(nn.Linear(FEATURES, count), nn.ReLU())
        self.last = nn.Linear(2 * count, CLASSES)

    def forward(self, images: Tensor, features: Tensor) -> Tensor:
        joined = torch.cat([self.image(images), self.features(features)], 1)
        logits: Tensor = self.last(joined)
        return logits


def build(width: float) -> nn.Module:
    return TwoInputs(channels(16, width))


def inputs(width: float) -> tuple[TensorSpec, ...]:
    return (
        TensorSpec(name="image", shape=IMAGE),
        TensorSpec(name="features", shape=(FEATURES,)),
    )


def samples(width: float, count: int, seed: int) -> tuple[Arrays, Array]:
    """Each of the two tells half of the class: its low bit and its high bit."""
    (images,), low = generate.waves(IMAGE, 2, count, seed)
    (features,), high = generate.clusters(FEATURES, 2, count, seed + 1)
    return (images, features), (low + 2 * high).astype(np.int64)


FAMILY = Family(
    "Two inputs", "counted by hand", build, inputs, samples, parameters=2788, macs=141_376
)
