"""Class decisions: the class that an output names, and whether it is the target."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from quantbench.errors import UnavailableError

Array: TypeAlias = NDArray[Any]


def classes(outputs: Array) -> int:
    """The number of classes of outputs [N, K, ...], whose axis 1 holds a figure for each.

    Raises UnavailableError where there are fewer than two.
    """
    if outputs.ndim < 2 or outputs.shape[1] < 2:
        raise UnavailableError(f"outputs {shaped(outputs)} hold no figure for each class on axis 1")
    return int(outputs.shape[1])


def decisions(outputs: Array) -> NDArray[np.int64]:
    """The class of the largest figure, [N, ...]; of equal ones the first. Raises as `classes`."""
    classes(outputs)
    return np.asarray(outputs.argmax(1))


def checked_targets(outputs: Array, targets: Array) -> NDArray[np.int64]:
    """The targets [N, ...] as class numbers that fit outputs [N, K, ...].

    In dense targets (a class for each pixel), a number that is no class marks a pixel without one.
    Raises UnavailableError for targets of another shape, for such that are no integers, and for a
    sample's target that is no class.
    """
    count = classes(outputs)
    wanted = outputs.shape[:1] + outputs.shape[2:]
    if targets.dtype.kind not in "biu":
        raise UnavailableError(f"targets of {targets.dtype} are no class numbers")
    if targets.shape == (*wanted, 1) and len(wanted) == 1:
        targets = targets[:, 0]
    if targets.shape != wanted:
        raise UnavailableError(
            f"targets {shaped(targets)} hold no class for each decision of outputs "
            f"{shaped(outputs)}, which would be {list(wanted)}"
        )
    if targets.ndim == 1 and len(targets) and not 0 <= targets.min() <= targets.max() < count:
        raise UnavailableError(
            f"targets go from {targets.min()} to {targets.max()}, but classes are numbered "
            f"0 to {count - 1}"
        )
    return targets.astype(np.int64, copy=False)


def among_best(outputs: Array, targets: NDArray[np.int64], best: int) -> NDArray[np.bool_]:
    """Whether the target's figure is among the `best` largest, [N, ...].

    Of equal figures the first class ranks first; NaN ranks above every number, as in argmax. A
    target that is no class is never among them.
    """
    count = outputs.shape[1]
    is_class = (targets >= 0) & (targets < count)
    index = np.where(is_class, targets, 0)[:, None]
    own = np.take_along_axis(outputs, index, 1)
    before = np.arange(count).reshape(1, count, *[1] * (outputs.ndim - 2)) < index
    unknown, own_unknown = np.isnan(outputs), np.isnan(own)
    greater = (outputs > own) | (unknown & ~own_unknown)
    tied = (outputs == own) | (unknown & own_unknown)
    rank = (greater | (tied & before)).sum(1)
    return np.asarray(is_class & (rank < best))


def share_right(
    right: NDArray[np.bool_], targets: NDArray[np.int64], count: int
) -> NDArray[np.bool_] | NDArray[np.float64]:
    """Each sample's share of right decisions: [N], bool where a sample has a single decision.

    Pixels without a class don't count; a sample with no other pixels is right.
    """
    if right.ndim == 1:
        return right
    flat = (len(right), -1)
    counted = ((targets >= 0) & (targets < count)).reshape(flat)
    wrong = (counted & ~right.reshape(flat)).sum(1)
    return np.asarray(1 - wrong / np.maximum(counted.sum(1), 1), np.float64)


def confusion(outputs: Array, targets: Array) -> NDArray[np.int64]:
    """Counts [K, K] of decisions by target (row) and decision (column).

    Pixels without a class don't count. Raises as `checked_targets`.
    """
    count = classes(outputs)
    wanted = checked_targets(outputs, targets).ravel()
    is_class = (wanted >= 0) & (wanted < count)
    pairs = wanted[is_class] * count + decisions(outputs).ravel()[is_class]
    return np.bincount(pairs, minlength=count * count).reshape(count, count)


def shaped(array: Array) -> str:
    """An array's shape in words, whatever its number of samples: "[N, 10]"."""
    return f"[{', '.join(('N', *map(str, array.shape[1:])))}]"
