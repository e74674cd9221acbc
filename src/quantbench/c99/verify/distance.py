"""Distances between the integer graph's outputs and a reference's, sample by sample."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.ir.graph import Graph, Reals, Tensor, ends
from quantbench.c99.verify.records import Distance, Worst

Outputs = NDArray[np.float32]
_WORST = 5
_SHARES = 4


def steps_of(graph: Graph) -> tuple[Reals | None, ...]:
    """The step of each 8-bit output: [1], or one for each channel.

    None where an output isn't rounded to 8 bits: accumulators of 32 bits, probabilities.
    """
    if graph.several:
        return tuple(_step(graph.tensors[name]) for name in graph.outputs)
    if not graph.final:
        return (_step(ends(graph)[1]),)
    if graph.rounded is None:
        return (None,)
    return (np.array([1.0 if graph.own_output else np.float32(graph.rounded.scale[0])]),)


def _step(output: Tensor) -> Reals | None:
    if output.type not in ("uint8", "int8"):
        return None
    return np.asarray(output.scale, np.float32).astype(np.float64)


def distance(to: str, ours: Outputs, reference: Outputs, step: Reals | None) -> Distance:
    """The distance of outputs [N, *shape] from those of a reference of the same shape."""
    shaped = 1.0 if step is None else step.reshape(-1, *[1] * (ours.ndim - 2))
    apart = np.abs(ours.astype(np.float64) - reference) / shaped
    apart = apart.reshape(len(ours), -1)
    by_sample = apart.max(axis=1)
    classified = ours.dtype.kind == "i" or ours.shape[1] > 1
    largest, theirs = _largest(ours), _largest(reference)
    changed = np.flatnonzero((largest != theirs).any(axis=1))
    furthest = np.argsort(-by_sample, kind="stable")[:_WORST]
    return Distance(
        to=to,
        in_steps=step is not None,
        mean=float(apart.mean()),
        largest=float(apart.max()),
        output_range=float(reference.max()) - float(reference.min()),
        shares=() if step is None else _shares(apart),
        same_answer=1 - len(changed) / len(ours) if classified else None,
        changed=tuple(int(sample) for sample in changed),
        worst=tuple(
            Worst(
                sample=int(sample),
                largest=float(by_sample[sample]),
                answer=_answer(largest[sample]) if classified else None,
                reference=_answer(theirs[sample]) if classified else None,
            )
            for sample in furthest[by_sample[furthest] > 0]
        ),
        by_sample=tuple(float(value) for value in by_sample),
    )


def _largest(outputs: Outputs) -> NDArray[np.intp]:
    """The channel of the largest output, [N, places]; integers are such channels already."""
    if outputs.dtype.kind == "i":
        return np.asarray(outputs.reshape(len(outputs), -1), np.intp)
    return np.asarray(outputs.reshape(*outputs.shape[:2], -1).argmax(axis=1))


def _answer(largest: NDArray[np.intp]) -> int | None:
    """The class that a sample is given; None where its outputs are of several places."""
    return int(largest[0]) if len(largest) == 1 else None


def _shares(apart: Reals) -> tuple[float, ...]:
    """The shares of values that are 0, 1, 2, and 3 or more steps apart, rounded."""
    steps = np.minimum(np.rint(apart), _SHARES - 1).astype(np.int64)
    return tuple(float(part) for part in np.bincount(steps.ravel(), minlength=_SHARES) / steps.size)
