"""Checks for samples that stand in more than one split, or in one split more than once."""

from __future__ import annotations

from collections.abc import Iterator

from quantbench.samples.shared import duplicates, shared_between
from quantbench.tasks.checks.evidence import Evidence
from quantbench.tasks.records import Diagnostic

DUPLICATES = 0.01
"""The share of repeated test samples from which on accuracies are worth less than they seem."""
_HASHED = 2 * 2**30
"""Bytes of inputs, as the network sees them, that are hashed; larger splits would take minutes."""


def shared_samples(evidence: Evidence) -> Iterator[Diagnostic]:
    """Test samples are among those for calibration or training."""
    test = evidence.task.test
    for split in evidence.task.splits:
        if split is test or not _small_enough(evidence):
            continue
        shared = shared_between(split, test)
        if shared.count:
            first, second = shared.pairs[0]
            yield Diagnostic(
                code="shared-samples",
                sentence=f"{shared.count:,} of the {len(test):,} test samples are in {split.name} "
                f"as well, such as sample {second}, there sample {first}",
                remedy="take them out of one of the two: what was seen before says nothing of new "
                "samples",
            )


def repeated_samples(evidence: Evidence) -> Iterator[Diagnostic]:
    """More than a few test samples equal an earlier one."""
    test = evidence.task.test
    if not _small_enough(evidence):
        return
    repeated = duplicates(test)
    if repeated.count > DUPLICATES * len(test):
        first, second = repeated.pairs[0]
        yield Diagnostic(
            code="repeated-samples",
            sentence=f"{repeated.count:,} of the {len(test):,} test samples repeat an earlier one, "
            f"such as sample {second}, which is sample {first}",
            remedy="keep each sample once: intervals are too narrow where samples count twice",
        )


def _small_enough(evidence: Evidence) -> bool:
    """Whether the inputs of all splits are hashed within seconds."""
    size = sum(array.nbytes for array in evidence.task.test.inputs(0, 1))
    return size * sum(len(split) for split in evidence.task.splits) <= _HASHED
