"""Shuffled batches of training images, each image randomly shifted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from quantbench.errors import UnavailableError
from quantbench.samples.records import Samples


@dataclass(frozen=True)
class Images:
    """A split on the training device: inputs float32 [N, C, H, W], labels int64 [N]."""

    inputs: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Draws:
    """Two random streams, so that a recipe with shifts takes the same order as one without."""

    order: torch.Generator
    shifts: torch.Generator


def draws_from(seed: int) -> Draws:
    """New streams: the order from `seed`, the shifts from `seed` + 1000."""
    return Draws(torch.Generator().manual_seed(seed), torch.Generator().manual_seed(seed + 1000))


def images_of(samples: Samples) -> Images:
    """The prepared samples as tensors. Raises UnavailableError where they have no labels."""
    if samples.targets is None:
        raise UnavailableError(f"the {samples.name} samples have no labels to train with")
    (inputs,) = samples.inputs()
    return Images(torch.from_numpy(inputs), torch.from_numpy(np.array(samples.targets)))


def shuffled_batches(
    images: Images, batch: int, shift: int, draws: Draws
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield every image once, shifted by at most `shift` pixels; the last batch may be smaller."""
    order = torch.randperm(len(images.labels), generator=draws.order)
    for chosen in order.split(batch):
        yield shifted(images.inputs[chosen], shift, draws.shifts), images.labels[chosen]


def shifted(inputs: Tensor, max_shift: int, generator: torch.Generator) -> Tensor:
    """Shift each image of [N, C, H, W] by up to `max_shift` pixels each way; edges are repeated.

    Returns `inputs` itself, and draws nothing, where `max_shift` is 0.
    """
    if max_shift == 0:
        return inputs
    n, _, height, width = inputs.shape
    moves = torch.randint(-max_shift, max_shift + 1, (2, n, 1), generator=generator)
    rows = (torch.arange(height) + moves[0]).clamp(0, height - 1)  # [N, H]
    columns = (torch.arange(width) + moves[1]).clamp(0, width - 1)  # [N, W]
    images = torch.arange(n)[:, None, None]
    return inputs.permute(0, 2, 3, 1)[images, rows[:, :, None], columns[:, None, :]].permute(
        0, 3, 1, 2
    )
