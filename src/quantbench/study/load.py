"""The task that names on the command line stand for."""

from __future__ import annotations

from pathlib import Path

from quantbench import plugins
from quantbench.data import load
from quantbench.system.progress import NO_PROGRESS, Progress
from quantbench.tasks.task import Task


def load_task(
    model: str,
    data: str,
    *,
    data_dir: Path | None = None,
    offline: bool = False,
    progress: Progress = NO_PROGRESS,
) -> Task:
    """Raises UnknownNameError, DataFileError or DataUnavailableError."""
    module = plugins.model(model)
    spec = plugins.data(data).SPEC
    splits = load(spec, data_dir=data_dir, offline=offline, log=progress.log)
    return Task(
        model=model,
        build=module.build,
        source=plugins.source("models", model),
        spec=spec,
        input_shape=module.INPUT_SHAPE,
        train=splits.train,
        calibration=splits.calibration,
        test=splits.test,
    )
