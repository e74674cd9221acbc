"""A perceptron over a short vector, whose inputs and layers have spread out ranges."""

from __future__ import annotations

from torch import nn

INPUT_SHAPE = (1, 32, 32)


def build() -> nn.Module:
    return nn.Sequential(
        nn.AvgPool2d(4),
        nn.Flatten(),
        nn.Linear(64, 48),
        nn.Tanh(),
        nn.Linear(48, 32),
        nn.ReLU(),
        nn.Linear(32, 10),
    )
