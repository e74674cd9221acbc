"""Load the task that is named on the command line."""

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
    """The task of a model and a data set, both by name, with its data loaded.

    Raises UnknownNameError, and DataFileError, DataUnavailableError or StorageError as `load` does.
    """
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
