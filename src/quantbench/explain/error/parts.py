"""Batches of samples, and groups of layers, whose outputs fit into memory together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias, TypeVar

import numpy as np

from quantbench.samples.records import Arrays, Samples

T = TypeVar("T")

Feed: TypeAlias = tuple[Arrays, int]
"""A batch of inputs, and how many of its samples aren't there only to fill it."""
MAX_BATCH = 64
MAX_VALUES = 2**23
"""The most samples, and the most numbers of layers' outputs, that are held at once."""


def batch_and_groups(
    layers: Sequence[T], sizes: Sequence[int], fixed: int | None
) -> tuple[int, list[tuple[T, ...]]]:
    """The batch, and the layers to watch together, so that they hold at most MAX_VALUES numbers.

    `sizes`: numbers of one sample's outputs, by layer; of `fixed` samples, where a network takes
    no other batch. A layer that is larger stands alone.
    """
    total = max(1, sum(sizes))
    batch = fixed or max(1, min(MAX_BATCH, MAX_VALUES // total))
    groups: list[list[T]] = [[]]
    held = 0
    for layer, size in zip(layers, sizes, strict=True):
        values = size if fixed else size * batch
        if groups[-1] and held + values > MAX_VALUES:
            groups.append([])
            held = 0
        groups[-1].append(layer)
        held += values
    return batch, [tuple(group) for group in groups]


def first_feed(samples: Samples, fixed: int | None) -> Arrays:
    """The inputs of one sample, or of as many as the network takes."""
    return samples.inputs(0, 1) if fixed is None else _filled(samples, 0, fixed)


def feeds(samples: Samples, batch: int, fixed: int | None, starts: Iterator[int]) -> Iterator[Feed]:
    """Yield the inputs of all samples once, batch by batch; `starts` tells where each begins."""
    for _ in range(0, len(samples), batch):
        start = next(starts)
        count = min(batch, len(samples) - start)
        if fixed is None:
            yield samples.inputs(start, start + batch), count
        else:
            yield _filled(samples, start, fixed), count


def starts_of(samples: Samples, batch: int, passes: int) -> list[int]:
    """The places where the batches of several passes over the samples begin."""
    return [*range(0, len(samples), batch)] * passes


def _filled(samples: Samples, start: int, batch: int) -> Arrays:
    """A full batch: samples are repeated where there are too few."""
    inputs = samples.inputs(start, start + batch)
    return tuple(np.take(array, range(batch), axis=0, mode="wrap") for array in inputs)
