"""Checks of the splits alone: how many samples there are, and of which classes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from quantbench.samples.records import Array, Samples
from quantbench.tasks.checks.evidence import Evidence
from quantbench.tasks.records import Diagnostic

FEW_TEST, FEW_CALIBRATION = 100, 16
"""Fewer test samples can't tell 5 % of accuracy apart; fewer calibration samples miss ranges."""


def no_samples(evidence: Evidence) -> Iterator[Diagnostic]:
    """A split that must not be empty is."""
    for split in (evidence.task.calibration, evidence.task.test):
        if len(split) == 0:
            yield Diagnostic(
                code="no-samples",
                sentence=f"there are no {split.name} samples",
                remedy=f"give samples for {split.name}",
                stops=True,
            )


def few_samples(evidence: Evidence) -> Iterator[Diagnostic]:
    """So few samples that neither ranges nor accuracies can be told from them."""
    test, calibration = len(evidence.task.test), len(evidence.task.calibration)
    if 0 < test < FEW_TEST:
        half = 0.98 / np.sqrt(test)  # of a 95 % interval about a share of one half
        yield Diagnostic(
            code="few-samples",
            sentence=f"there {_are(test)} for test: an accuracy is known to ±{100 * half:.0f} "
            "points at best",
            remedy="give more test samples; a thousand tell about 3 points apart",
        )
    if 0 < calibration < FEW_CALIBRATION:
        yield Diagnostic(
            code="few-samples",
            sentence=f"there {_are(calibration)} for calibration: ranges of activations are "
            "taken from them",
            remedy="give a few hundred samples for calibration",
        )


def one_class(evidence: Evidence) -> Iterator[Diagnostic]:
    """All samples of a split are of one class."""
    for split in (evidence.task.calibration, evidence.task.test):
        labels = class_labels(split)
        if labels is not None and len(labels) > 1 and (labels == labels[0]).all():
            yield Diagnostic(
                code="one-class",
                sentence=f"all {len(labels):,} {split.name} samples are of class {labels[0]}",
                remedy="take samples of every class: a file sorted by class has to be shuffled "
                "before it is cut",
            )


def class_labels(samples: Samples) -> Array | None:
    """The targets where they are one integer a sample; None otherwise."""
    targets = samples.targets
    if targets is None or not np.issubdtype(targets.dtype, np.integer):
        return None
    if targets.ndim == 2 and targets.shape[1] == 1:
        return np.asarray(targets[:, 0])
    return np.asarray(targets) if targets.ndim == 1 else None


def _are(count: int) -> str:
    return "is one sample" if count == 1 else f"are {count} samples"
