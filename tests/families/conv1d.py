"""A 1-D convolutional network on windows of six motion sensors, 128 samples each."""

from __future__ import annotations

from torch import nn

from quantbench.samples.records import Array, Arrays
from quantbench.tasks.network import TensorSpec
from tests.families import generate
from tests.families.family import Family, channels

SHAPE, CLASSES = (6, 128), 6


def block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(inputs, outputs, 5, padding=2, bias=False), nn.BatchNorm1d(outputs), nn.ReLU()
    )


def build(width: float) -> nn.Module:
    first, second = channels(32, width), channels(64, width)
    return nn.Sequential(
        block(SHAPE[0], first), nn.MaxPool1d(2),
        block(first, second), nn.MaxPool1d(2),
        nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(second, CLASSES),
    )  # fmt: skip


def inputs(width: float) -> tuple[TensorSpec, ...]:
    return (TensorSpec(name="window", shape=SHAPE),)


def samples(width: float, count: int, seed: int) -> tuple[Arrays, Array]:
    return generate.waves(SHAPE, CLASSES, count, seed)


FAMILY = Family(
    "1-D convolutions", "counted by hand", build, inputs, samples, parameters=11_782, macs=778_624
)
