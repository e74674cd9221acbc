"""VGG-11: convolutions without batch norms, then three wide fully connected layers."""

from __future__ import annotations

from torch import nn

from quantbench.samples.records import Array, Arrays
from tests.families import generate
from tests.families.family import Family, channels, classes, image_size, image_spec

STAGES = ((64,), (128,), (256, 256), (512, 512), (512, 512))
"""Channels of the convolutions between poolings: column A of the paper's Table 1."""


def build(width: float) -> nn.Module:
    parts: list[nn.Module] = []
    before = 3
    for stage in STAGES:
        for full in stage:
            after = channels(full, width)
            parts += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU()]
            before = after
        parts.append(nn.MaxPool2d(2))
    hidden = channels(4096, width)
    return nn.Sequential(
        *parts, nn.Flatten(),
        nn.Linear(before * (image_size(width) // 32) ** 2, hidden), nn.ReLU(), nn.Dropout(),
        nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(), nn.Linear(hidden, classes(width)),
    )  # fmt: skip


def samples(width: float, count: int, seed: int) -> tuple[Arrays, Array]:
    return generate.images(image_size(width), classes(width), count, seed)


FAMILY = Family(
    "VGG-11", "Simonyan and Zisserman, Very Deep Convolutional Networks, 2014, Table 2: 133 M",
    build, image_spec, samples, parameters=132_863_336, macs=7_609_000_000,
)  # fmt: skip
