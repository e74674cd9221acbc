"""What each file of this folder defines: a kind of network, its inputs and data for it.

`width` 1.0 is the network as published. Below, channels are fewer, stages shorter, images smaller
and classes 10: the same operators for a test of a second.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from quantbench.samples.records import Array, Arrays
from quantbench.tasks.network import TensorSpec

Outputs = tuple[Tensor, ...]


def cross_entropy(outputs: Outputs, targets: Tensor) -> Tensor:
    """The loss of networks that tell classes apart; pixels are classes, too."""
    return F.cross_entropy(outputs[0], targets)


@dataclass(frozen=True)
class Family:
    """A kind of network; `parameters` and `macs` are the published figures at width 1.0.

    `macs` is None where none is published. `counts_statistics`: the publication counts the running
    mean and variance of batch norms among the parameters.
    """

    name: str
    source: str
    build: Callable[[float], nn.Module]
    inputs: Callable[[float], tuple[TensorSpec, ...]]
    samples: Callable[[float, int, int], tuple[Arrays, Array]]
    """Width, count and seed -> one array for each input, [N, ...], and the targets."""
    parameters: int
    macs: int | None
    counts_statistics: bool = False
    loss: Callable[[Outputs, Tensor], Tensor] = cross_entropy
    metric: str = "accuracy"
    epochs: int = 1
    """How often a training passes its samples, where once teaches the network nothing."""
    near_identity: bool = False
    """Depthwise convolutions begin near the identity: a long chain learns nothing from noise."""


def channels(count: int, width: float) -> int:
    """`count` at full width; below it, a multiple of 4 that is at least 4."""
    return count if width >= 1 else max(4, round(count * width / 4) * 4)


def repeats(count: int, width: float) -> int:
    """How often a stage repeats its block: at least once."""
    return count if width >= 1 else max(1, math.ceil(count * width))


def classes(width: float) -> int:
    """ImageNet's 1,000 classes at full width, else 10."""
    return 1000 if width >= 1 else 10


def image_size(width: float) -> int:
    """ImageNet's usual 224 pixels at full width, else 64."""
    return 224 if width >= 1 else 64


def image_spec(width: float) -> tuple[TensorSpec, ...]:
    """One colour image."""
    return (TensorSpec(name="image", shape=(3, image_size(width), image_size(width))),)
