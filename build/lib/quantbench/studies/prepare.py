"""The task of a study: a network with its weights, and samples."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from quantbench import plugins
from quantbench.errors import UsageError
from quantbench.studies.choose import recipe_settings
from quantbench.studies.load import load_task
from quantbench.studies.options import Options, Overrides
from quantbench.studies.own import Own, own_task
from quantbench.studies.workspace import Workspace
from quantbench.system.progress import Progress
from quantbench.tasks.given import with_given
from quantbench.tasks.source_module import network_of
from quantbench.tasks.source_python import load_task as load_task_file
from quantbench.tasks.task import Task
from quantbench.tasks.weights import load_weights
from quantbench.training.checkpoint import Checkpoint, with_weights
from quantbench.training.train import train


def prepare(options: Options, overrides: Overrides, space: Workspace, progress: Progress) -> Task:
    """The task that the options name, its network with weights.

    A target, or files of samples, are the user's own, and nothing is trained. A model by name
    without weights is trained, or its training is taken from where it is stored. Raises UsageError,
    NetworkError, SamplesError, ArtifactError, DataFileError, DataUnavailableError,
    TrainingDivergedError.
    """
    task = _task(options, overrides, space, progress)
    if options.quantized is not None:
        task = with_given(task, options.quantized, progress)
    return task if options.metric is None else replace(task, metric=options.metric)


def _task(options: Options, overrides: Overrides, space: Workspace, progress: Progress) -> Task:
    if options.target is None and options.test is None:
        if options.weights is None:
            return with_weights(*trained(options, overrides, space, progress))
        return _with_own_weights(_named(options, progress), options.weights, progress)
    if is_task_file(options.target or ""):
        return load_task_file(str(options.target))
    return own_task(_own(options, progress), space.scratch / "given", progress)


def is_task_file(target: str) -> bool:
    """Whether a target is a Python file whose function returns a Task, not a network alone."""
    return target.endswith(".py")


def _own(options: Options, progress: Progress) -> Own:
    """The user's network and samples, as the options name them."""
    if options.test is None:
        raise UsageError(
            f"give samples to judge '{options.target}' by: --test FILE (.npz, .csv, or a folder "
            "of images by class), and --calibration FILE to quantize it by"
        )
    network: nn.Module | str = options.target or _built(options, progress)
    return Own(
        network=network,
        test=options.test,
        calibration=options.calibration,
        train=options.train,
        weights=options.weights if options.target else None,
        name=None if options.target else options.model,
        hold_out=options.hold_out,
        target=options.target_column,
        seed=options.seed,
    )


def _built(options: Options, progress: Progress) -> nn.Module:
    """The module of a model by name, with the user's weights."""
    if options.weights is None:
        raise UsageError(
            f"model '{options.model}' has no weights for samples of yours; give --weights FILE"
        )
    with torch.random.fork_rng(devices=[]):
        module = plugins.model(options.model).build()
    for note in load_weights(module, options.weights):
        progress.log(note)
    return module


def _with_own_weights(task: Task, weights: Path, progress: Progress) -> Task:
    """The task of a model and a data set by name, with weights from the user's file."""
    with torch.random.fork_rng(devices=[]):
        module = task.network.module()
    for note in load_weights(module, weights):
        progress.log(note)
    network = network_of(module, task.test.inputs(0, 2), task.name, str(weights))
    return replace(task, network=network)


def trained(
    options: Options, overrides: Overrides, space: Workspace, progress: Progress
) -> tuple[Task, Checkpoint]:
    """The untrained task, and the checkpoint of its training: the stored one, or a new one."""
    if options.target:
        raise UsageError(f"'{options.target}' isn't trained here: only models by name are")
    chosen, task = recipe_settings(options, overrides), _named(options, progress)
    checkpoint = train(task, options.recipe, chosen, options.seed, space.checkpoints, progress)
    return task, checkpoint


def _named(options: Options, progress: Progress) -> Task:
    return load_task(
        options.model,
        options.data,
        data_dir=options.data_dir,
        offline=options.offline,
        progress=progress,
    )
