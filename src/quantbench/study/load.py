"""The task that names on the command line stand for."""

from __future__ import annotations

from pathlib import Path

from quantbench import plugins
from quantbench.data import load
from quantbench.system.progress import Say, silent
from quantbench.tasks.task import Task


def load_task(
    model: str,
    data: str,
    *,
    data_dir: Path | None = None,
    offline: bool = False,
    say: Say = silent,
) -> Task:
    """Raises UnknownNameError, DataFileError or DataUnavailableError."""
    module = plugins.model(model)
    spec = plugins.data(data).SPEC
    splits = load(spec, data_dir=data_dir, offline=offline, say=say)
    return Task(model, spec, module.INPUT_SHAPE, splits.train, splits.calibration, splits.test)
