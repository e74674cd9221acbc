"""Run a method, or find what it wrote before."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import cast

from pydantic import JsonValue

from quantbench import plugins
from quantbench.artifacts.artifact import KIND, Artifact
from quantbench.artifacts.records import ArtifactBody
from quantbench.artifacts.state_file import STATE
from quantbench.contracts import FurtherTraining, MethodModule, Plugin, QuantizeJob
from quantbench.data import Split, preprocess
from quantbench.errors import UnavailableError, UnknownNameError
from quantbench.export import reading
from quantbench.samples.records import Arrays, Samples
from quantbench.studies.named import method_named
from quantbench.system.fingerprint import fingerprint
from quantbench.system.machine import versions
from quantbench.system.progress import NO_PROGRESS, Progress
from quantbench.system.record import Settings
from quantbench.system.store import find, path_for, save
from quantbench.tasks.network import Network, TensorSpec
from quantbench.tasks.task import Task
from quantbench.training.checkpoint import Checkpoint, float_model


def quantize(
    task: Task,
    checkpoint: Checkpoint,
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
    return artifact_of(task, checkpoint, plugin, settings, format, parent, progress)


def artifact_of(
    task: Task,
    checkpoint: Checkpoint,
    method: Plugin[MethodModule],
    settings: Settings,
    format: str,
    parent: Path,
    progress: Progress,
) -> Artifact:
    """Return the artifact of a method in one format: the stored one, or newly made in `parent`."""
    name = f"{method.name}-{format}"
    inputs = artifact_inputs(task, checkpoint, method, settings, format)
    if stored := find(parent, name, KIND, inputs, ArtifactBody):
        return stored

    def fill(folder: Path) -> ArtifactBody:
        job = job_for(task, checkpoint, settings, format, folder, progress)
        files = method.module.quantize(job)
        return ArtifactBody(
            model=task.model,
            data=task.spec.name,
            method=method.name,
            format=format,
            settings=settings.model_dump(mode="json"),
            checkpoint_sha256=checkpoint.files[STATE].sha256,
            quantized=reading.describe(job, files, method.module),
        )

    return save(path_for(parent, name, inputs), KIND, inputs, fill)


def job_for(
    task: Task,
    checkpoint: Checkpoint,
    settings: Settings,
    format: str,
    folder: Path,
    progress: Progress,
) -> QuantizeJob[Settings]:
    """Return what a method is given; nothing in it leads to test data."""
    seen = task.without_test()
    return QuantizeJob(
        network=network_of(seen, checkpoint),
        calibration=samples_of(seen, seen.calibration),
        settings=settings,
        format=format,
        folder=folder,
        progress=progress,
        training=further_training(seen, checkpoint),
    )


def network_of(task: Task, checkpoint: Checkpoint) -> Network:
    """Return the trained network."""
    return Network(
        name=task.model,
        inputs=(TensorSpec(name="input", shape=task.input_shape),),
        outputs=(TensorSpec(name="logits", shape=(task.classes,)),),
        sha256=checkpoint.files[STATE].sha256,
        make_module=partial(float_model, task, checkpoint),
        sources=(task.source,),
    )


def samples_of(task: Task, split: Split) -> Samples:
    """Return a split as samples that are preprocessed when they are read."""

    def prepare(stored: Arrays) -> Arrays:
        return (preprocess(stored[0], task.spec),)

    return Samples(split.name, (split.images,), split.labels, prepare)


def further_training(task: Task, checkpoint: Checkpoint) -> FurtherTraining | None:
    """Return what a method that trains on needs, or None without training samples."""
    if not len(task.train):
        return None
    return FurtherTraining(
        samples=samples_of(task, task.train),
        recipe=checkpoint.body.settings,
        folder=checkpoint.folder.parent,
        depends_on={
            "checkpoint": checkpoint.files[STATE].sha256,
            "recipe": checkpoint.body.settings,
            "train": task.train.sha256,
            "preprocessing": task.preprocessing_sha256,
            "code": {**fingerprint(task.source)},
        },
    )


def artifact_inputs(
    task: Task,
    checkpoint: Checkpoint,
    method: Plugin[MethodModule],
    settings: Settings,
    format: str,
) -> dict[str, JsonValue]:
    """Return all that an artifact depends on: its stored key."""
    return {
        "checkpoint": checkpoint.files[STATE].sha256,
        "model": task.model,
        "data": task.spec.name,
        "calibration": task.calibration.sha256,
        "preprocessing": task.preprocessing_sha256,
        "method": method.name,
        "format": format,
        "settings": settings.model_dump(mode="json"),
        "code": {
            **fingerprint(
                __name__,
                task.source,
                method.source,
                reading.source(format),
            )
        },
        "versions": cast(JsonValue, versions(method.module.LIBRARIES)),
    }
