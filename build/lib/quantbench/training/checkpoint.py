"""Checkpoints: the float state_dict in `state.pt`, with the record of its training."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

import torch
from torch import nn

from quantbench.artifacts.state_file import STATE, read_state
from quantbench.errors import ArtifactError
from quantbench.system.store import Stored, load
from quantbench.tasks.network import Network
from quantbench.tasks.records import Training
from quantbench.tasks.task import Task

Checkpoint: TypeAlias = Stored[Training]
KIND = "checkpoint"
_EPOCH = re.compile(r"(?P<name>[^.].*-[0-9a-f]{12})\.epoch(?P<number>[0-9]+)")


def load_checkpoint(folder: Path) -> Checkpoint:
    """Load a finished checkpoint. Raises ArtifactError where its folder isn't as it was saved."""
    return load(folder, KIND, Training)


def drop_superseded(parent: Path) -> None:
    """Keep only the last epoch of an interrupted training: a new run resumes from it.

    Of a finished training whose process was killed before it could tidy up, no epoch stays. Call
    it under the workspace's lock.
    """
    trainings: dict[str, dict[int, Path]] = {}
    for path in parent.glob("*.epoch*"):
        if match := _EPOCH.fullmatch(path.name):
            trainings.setdefault(match["name"], {})[int(match["number"])] = path
    for name, epochs in trainings.items():
        finished = (parent / name).is_dir()
        for number, path in epochs.items():
            if finished or number < max(epochs):
                shutil.rmtree(path, ignore_errors=True)


def with_weights(task: Task, checkpoint: Checkpoint) -> Task:
    """The task with the trained network in place of the untrained one."""
    network = replace(
        task.network,
        make_module=partial(_trained, task.network, checkpoint.folder / STATE),
        sha256=checkpoint.files[STATE].sha256,
        untrained=False,
    )
    return replace(task, network=network, training=checkpoint.body)


def _trained(untrained: Network, state: Path) -> nn.Module:
    """A network with its trained state, in eval mode; the global random state is left as it was.

    Raises ArtifactError where the state doesn't fit.
    """
    with torch.random.fork_rng(devices=[]):
        model = untrained.module()
    try:
        model.load_state_dict(read_state(state))
    except RuntimeError as error:
        raise ArtifactError(f"{state} is not a state of model '{untrained.name}'") from error
    return model.eval()
