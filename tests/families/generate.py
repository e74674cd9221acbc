"""Generated data that a network of a few parameters can learn."""

from __future__ import annotations

import numpy as np

from quantbench.samples.records import Array, Arrays


def waves(
    shape: tuple[int, ...], classes: int, count: int, seed: int, axis: int = -1
) -> tuple[Arrays, Array]:
    """Sine waves in noise, float32 [count, *shape]: the class k is k + 1 cycles along `axis`."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, min(classes, 10), count)
    length = shape[axis]
    phases = rng.uniform(0, 2 * np.pi, count)
    turns = 2 * np.pi * np.outer(targets + 1, np.arange(length) / length) + phases[:, None]
    aligned = [1] * len(shape)
    aligned[axis] = length
    values = np.sin(turns).reshape(count, *aligned) + rng.normal(0, 0.3, (count, *shape))
    return (values.astype(np.float32),), targets


def images(width_and_height: int, classes: int, count: int, seed: int) -> tuple[Arrays, Array]:
    """Colour images of `waves`: float32 [count, 3, H, W]."""
    return waves((3, width_and_height, width_and_height), classes, count, seed)


def clusters(features: int, classes: int, count: int, seed: int) -> tuple[Arrays, Array]:
    """Points around one centre for each class: float32 [count, features]."""
    centres = np.random.default_rng(0).normal(0, 1, (classes, features))
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, classes, count)
    points = centres[targets] + rng.normal(0, 0.5, (count, features))
    return (points.astype(np.float32),), targets


def mixtures(features: int, sources: int, count: int, seed: int) -> Array:
    """Vectors that `sources` numbers explain but for noise: float32 [count, features]."""
    mixing = np.random.default_rng(0).normal(0, 1 / np.sqrt(sources), (sources, features))
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 1, (count, sources)) @ mixing
    return (values + rng.normal(0, 0.1, values.shape)).astype(np.float32)


def discs(size: int, count: int, seed: int) -> tuple[Arrays, Array]:
    """A bright disc in each grey image, float32 [count, 1, size, size], and where it is.

    The targets, int64 [count, size, size], are 1 within the disc.
    """
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:size, :size]
    centres = rng.uniform(0.3, 0.7, (count, 2, 1, 1)) * size
    radii = rng.uniform(0.15, 0.3, (count, 1, 1)) * size
    distance = np.hypot(rows - centres[:, 0], columns - centres[:, 1])
    masks = (distance < radii).astype(np.int64)
    noisy = masks + rng.normal(0, 0.4, masks.shape)
    return (noisy[:, None].astype(np.float32),), masks
