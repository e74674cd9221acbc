"""Checkpoints: the float state_dict in `state.pt`, and how it was trained."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import torch
from torch import nn

from quantbench.errors import ArtifactError
from quantbench.records import Training
from quantbench.state import read_state
from quantbench.storage import Stored, load
from quantbench.task import Task

Checkpoint: TypeAlias = Stored[Training]
KIND = "checkpoint"
STATE = "state.pt"


def load_checkpoint(folder: Path) -> Checkpoint:
    """Raises ArtifactError if anything in the folder isn't as it was saved."""
    return load(folder, KIND, Training)


def float_model(task: Task, checkpoint: Checkpoint) -> nn.Module:
    """The trained network, in eval mode. Raises ArtifactError if it isn't of this model."""
    with torch.random.fork_rng(devices=[]):
        model = task.build()
    try:
        model.load_state_dict(read_state(checkpoint.folder / STATE))
    except RuntimeError as error:
        raise ArtifactError(
            f"{checkpoint.folder / STATE} is not a state of model '{task.model}'"
        ) from error
    return model.eval()
