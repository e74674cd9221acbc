"""Batches of a size that a runtime takes, for callers with batches of another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from quantbench.contracts import Predict
from quantbench.samples.records import Array, Arrays


def answer(outputs: Sequence[Array]) -> Array | Arrays:
    """A network's outputs, as `Predict` gives them: an array, or a tuple of several."""
    return outputs[0] if len(outputs) == 1 else tuple(outputs)


def at_most(predict: Predict, size: int) -> Predict:
    """Like `predict`, which takes up to `size` samples, for a batch of any size."""

    def split(*inputs: Array) -> Array | Arrays:
        if len(inputs[0]) <= size:
            return predict(*inputs)  # type: ignore[no-any-return]
        return _joined(
            [
                predict(*(array[start : start + size] for array in inputs))
                for start in range(0, len(inputs[0]), size)
            ]
        )

    return split


def exactly(predict: Predict, size: int) -> Predict:
    """Like `predict`, which takes `size` samples alone, for a batch of any size.

    The last part is filled by repeating its samples, whose answers are dropped.
    """

    def filled(*inputs: Array) -> Array | Arrays:
        samples = len(inputs[0])
        if samples == size:
            return predict(*inputs)  # type: ignore[no-any-return]
        parts = []
        for start in range(0, samples, size):
            places = np.arange(start, start + size)
            places[samples - start :] = start
            parts.append(predict(*(np.take(array, places, axis=0) for array in inputs)))
        return _cut(_joined(parts), samples)

    return filled


def _joined(parts: Sequence[Array | Arrays]) -> Array | Arrays:
    if isinstance(parts[0], tuple):
        return tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return np.concatenate(parts)


def _cut(outputs: Array | Arrays, samples: int) -> Array | Arrays:
    if isinstance(outputs, tuple):
        return tuple(array[:samples] for array in outputs)
    return outputs[:samples]
