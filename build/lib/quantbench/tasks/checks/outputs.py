"""Checks of what the float network answers to test samples."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from quantbench.samples.records import Array
from quantbench.tasks.checks.evidence import Evidence, is_numeric
from quantbench.tasks.checks.splits import class_labels
from quantbench.tasks.records import Diagnostic

_SUM = 1e-3
"""How far from 1 the float32 probabilities of a sample may sum up to."""
_SAME = 1e-6
"""Outputs that differ by less, relative to the largest, are the same."""
_MANY = 32
"""Samples from which on it is no chance that one class is answered to all."""


def integer_outputs(evidence: Evidence) -> Iterator[Diagnostic]:
    """An output holds integers: the network ends in an argmax or a comparison."""
    for spec, output in zip(evidence.network.outputs, evidence.outputs, strict=False):
        if not is_numeric(output):
            yield Diagnostic(
                code="integer-outputs",
                sentence=f"output '{spec.name}' holds {output.dtype}: the network ends in an "
                "argmax, a comparison or the like",
                remedy="hand over the network without it: how far a quantized network is from "
                "float shows in scores, and runtimes differ in such operators",
            )


def probabilities(evidence: Evidence) -> Iterator[Diagnostic]:
    """An output sums up to 1 for each sample: the network ends in a softmax."""
    for spec, output in zip(evidence.network.outputs, evidence.outputs, strict=False):
        if is_numeric(output) and _are_probabilities(output):
            yield Diagnostic(
                code="probabilities",
                sentence=f"output '{spec.name}' sums up to 1 for each sample: the network ends "
                "in a softmax, so 8 bits are spent on probabilities, and a loss that expects "
                "logits isn't right",
                remedy="hand over the network without its softmax; the largest output is the same",
            )


def constant_outputs(evidence: Evidence) -> Iterator[Diagnostic]:
    """The network answers the same to every sample, or the same class where targets differ."""
    if len(evidence.test) < 2 or _all_alike(evidence.test_inputs):
        return
    outputs = [array for array in evidence.outputs if is_numeric(array)]
    if outputs and _all_alike(tuple(outputs)):
        yield Diagnostic(
            code="constant-outputs",
            sentence="the network answers the same to every sample",
            remedy="check that its weights are loaded, and that its inputs are prepared as in "
            "training",
        )
        return
    labels = class_labels(evidence.test)
    scores = evidence.outputs[0]
    if labels is None or scores.ndim != 2 or scores.shape[1] < 2 or len(labels) < _MANY:
        return
    answers = scores.argmax(1)
    if (answers == answers[0]).all() and len(np.unique(labels)) > 1:
        yield Diagnostic(
            code="constant-outputs",
            sentence=f"the network answers class {answers[0]} to all {len(labels)} samples looked "
            f"at, which are of {len(np.unique(labels))} classes",
            remedy="check that its weights are loaded, and that its inputs are prepared as in "
            "training",
        )


def _are_probabilities(output: Array) -> bool:
    """Whether the values along axis 1 are within 0 and 1 and sum up to 1, for at least 2."""
    if output.ndim < 2 or output.shape[1] < 2 or output.size == 0:
        return False
    if output.min() < 0 or output.max() > 1 + _SUM:
        return False
    return bool((np.abs(output.sum(1, dtype=np.float64) - 1) < _SUM).all())


def _all_alike(arrays: tuple[Array, ...]) -> bool:
    return all(_alike(array) for array in arrays)


def _alike(array: Array) -> bool:
    """Whether every sample of an array is the same."""
    if not is_numeric(array):
        return bool((array == array[:1]).all())
    largest = np.abs(array).max(initial=0)
    return bool(np.abs(array - array[:1]).max(initial=0) <= _SAME * largest)
