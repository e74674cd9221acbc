"""Run a method, or find what it wrote before."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from pydantic import JsonValue

from quantbench import plugins
from quantbench.artifacts.artifact import KIND, Artifact
from quantbench.artifacts.records import ArtifactBody
from quantbench.contracts import FurtherTraining, MethodModule, Plugin, QuantizeJob
from quantbench.errors import UnavailableError, UnknownNameError
from quantbench.export import reading, torch_globals
from quantbench.harness.baseline import AS_GIVEN, GIVEN
from quantbench.studies.named import method_named
from quantbench.system.fingerprint import fingerprint
from quantbench.system.machine import versions
from quantbench.system.progress import NO_PROGRESS, Progress
from quantbench.system.record import Settings
from quantbench.system.store import find, path_for, save
from quantbench.tasks.given import as_network
from quantbench.tasks.task import Task


def quantize(
    task: Task,
    method: str,
    settings: Settings,
    format: str,
    parent: Path,
    progress: Progress = NO_PROGRESS,
) -> Artifact:
    """Quantize by the method of this name, or find what it wrote before in `parent`.

    Raises UnavailableError with the method's reason where it can't work here.
    """
    if reason := plugins.why_unavailable("methods", method):
        raise UnavailableError(reason)
    plugin = method_named(method)
    if format not in plugin.module.FORMATS:
        raise UnknownNameError(f"format of method '{method}'", format, plugin.module.FORMATS)
    return artifact_of(task, plugin, settings, format, parent, progress)


def artifact_of(
    task: Task,
    method: Plugin[MethodModule],
    settings: Settings,
    format: str,
    parent: Path,
    progress: Progress,
) -> Artifact:
    """Return the artifact of a method in one format: the stored one, or newly made in `parent`.

    Raises UnavailableError where a method doesn't work on the task's network.
    """
    task = _task_of(task, method.name)
    if task.network.quantized and method.name not in (AS_GIVEN, GIVEN):
        raise UnavailableError(
            f"network '{task.name}' came quantized already; {AS_GIVEN} measures it as it is"
        )
    if stored := stored_artifact(task, method, settings, format, parent):
        return stored
    inputs = artifact_inputs(task, method, settings, format)

    def fill(folder: Path) -> ArtifactBody:
        job = job_for(task, settings, format, folder, progress)
        with torch_globals.restored():
            files = method.module.quantize(job)
            quantized = reading.describe(job, files, method.module)
        return ArtifactBody(
            model=task.name,
            data=task.data,
            method=method.name,
            format=format,
            settings=settings.model_dump(mode="json"),
            network_sha256=task.network.sha256,
            quantized=quantized,
        )

    return save(path_for(parent, _name(method, format), inputs), KIND, inputs, fill)


def stored_artifact(
    task: Task, method: Plugin[MethodModule], settings: Settings, format: str, parent: Path
) -> Artifact | None:
    """Return the artifact that `artifact_of` made before from the same inputs, or None."""
    inputs = artifact_inputs(_task_of(task, method.name), method, settings, format)
    return find(parent, _name(method, format), KIND, inputs, ArtifactBody)


def _task_of(task: Task, method: str) -> Task:
    """The task as the method sees it: that of a given quantized form has this as its network.

    Raises UnavailableError where none was given.
    """
    if method != GIVEN or task.network.quantized:
        return task
    if task.given is None:
        raise UnavailableError(
            f"no quantized form of network '{task.name}' was given; name one by --quantized FILE"
        )
    return as_network(task, task.given)


def _name(method: Plugin[MethodModule], format: str) -> str:
    return f"{method.name}-{format}"


def job_for(
    task: Task,
    settings: Settings,
    format: str,
    folder: Path,
    progress: Progress,
) -> QuantizeJob[Settings]:
    """Return what a method is given; nothing in it leads to test data.

    `folder` is in a workspace's folder of artifacts; trainings are kept in that of checkpoints.
    """
    seen = task.without_test()
    return QuantizeJob(
        network=seen.network,
        calibration=seen.calibration,
        settings=settings,
        format=format,
        folder=folder,
        progress=progress,
        training=further_training(seen, folder.parent.with_name("checkpoints")),
    )


def further_training(task: Task, folder: Path) -> FurtherTraining | None:
    """Return what a method that trains on needs, or None without training samples and targets."""
    train = task.train
    if train is None or train.targets is None or not len(train):
        return None
    recipe = None if task.training is None else task.training.settings
    return FurtherTraining(
        samples=train,
        recipe=recipe,
        folder=folder,
        depends_on={
            "network": task.network.sha256,
            "recipe": recipe,
            "train": train.sha256,
            "preprocessing": task.preprocessing_sha256,
            "code": {**fingerprint(*task.network.sources)},
        },
    )


def artifact_inputs(
    task: Task,
    method: Plugin[MethodModule],
    settings: Settings,
    format: str,
) -> dict[str, JsonValue]:
    """Return all that an artifact depends on: its stored key."""
    return {
        "network": task.network.sha256,
        "model": task.name,
        "data": task.data,
        "calibration": task.calibration.sha256,
        "preprocessing": task.preprocessing_sha256,
        "method": method.name,
        "format": format,
        "settings": settings.model_dump(mode="json"),
        "code": {
            **fingerprint(
                __name__,
                *task.network.sources,
                method.source,
                reading.source(format),
            )
        },
        "versions": cast(JsonValue, versions(method.module.LIBRARIES)),
    }
