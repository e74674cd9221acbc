"""Tell whether one artifact can be used here."""

from __future__ import annotations

import tempfile
from pathlib import Path

from quantbench.artifacts.artifact import Artifact
from quantbench.harness.trial import Trials
from quantbench.studies.choose import runtimes_for
from quantbench.system.machine import environment
from quantbench.tasks.task import Task


def why_unusable(task: Task, artifact: Artifact, parent: Path) -> str | None:
    """Say why an artifact can't be used here, or return None; `parent` keeps the outcome.

    It is run on a few calibration samples, in a process of its own, on an installed runtime
    that takes it, and its answers are compared with float32's.
    """
    runtimes = runtimes_for(artifact)
    with (
        tempfile.TemporaryDirectory() as scratch,
        Trials(task, parent, Path(scratch), environment()) as trials,
    ):
        failures = trials.failures(artifact, runtimes)
    if not runtimes or len(failures) < len(runtimes):
        return None
    return next(iter(failures.values())).reason
