"""A multilayer perceptron on 20 features, as for a table of measurements."""

from __future__ import annotations

from torch import nn

from quantbench.samples.records import Array, Arrays
from quantbench.tasks.network import TensorSpec
from tests.families import generate
from tests.families.family import Family, channels

FEATURES, CLASSES = 20, 4


def build(width: float) -> nn.Module:
    hidden = channels(64, width)
    return nn.Sequential(
        nn.Linear(FEATURES, hidden), nn.ReLU(),
        nn.Linear(hidden, hidden), nn.ReLU(),
        nn.Linear(hidden, CLASSES),
    )  # fmt: skip


def inputs(width: float) -> tuple[TensorSpec, ...]:
    return (TensorSpec(name="features", shape=(FEATURES,)),)


def samples(width: float, count: int, seed: int) -> tuple[Arrays, Array]:
    return generate.clusters(FEATURES, CLASSES, count, seed)


FAMILY = Family(
    "MLP", "20-64-64-4, counted by hand", build, inputs, samples, parameters=5764, macs=5632
)
