"""Quantize a trained PyTorch network every practical way, and measure what each way costs.

The names below are the public ones. Each is imported when it is first used, so that a
worker process loads only the runtime that it measures.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from quantbench.system.telemetry import switch_off

if TYPE_CHECKING:
    from quantbench.api import OwnStudy, study
    from quantbench.artifacts.artifact import Artifact, load_artifact
    from quantbench.errors import QuantbenchError
    from quantbench.plugins import use_plugins
    from quantbench.results.records import Results
    from quantbench.settings.values import settings_for
    from quantbench.studies.compile import compile
    from quantbench.studies.load import load_task
    from quantbench.studies.options import Options
    from quantbench.studies.pipeline import Study, run
    from quantbench.studies.predict import answers
    from quantbench.studies.quantize import quantize
    from quantbench.studies.usable import why_unusable
    from quantbench.studies.verify import verify
    from quantbench.tasks.digit import read_digit
    from quantbench.tasks.layers import layers
    from quantbench.tasks.task import Task
    from quantbench.training.checkpoint import Checkpoint, load_checkpoint
    from quantbench.training.recipes import RECIPES
    from quantbench.training.train import train

_HOMES = {
    "Artifact": "artifacts.artifact",
    "Checkpoint": "training.checkpoint",
    "Options": "studies.options",
    "OwnStudy": "api",
    "QuantbenchError": "errors",
    "RECIPES": "training.recipes",
    "Results": "results.records",
    "Study": "studies.pipeline",
    "Task": "tasks.task",
    "answers": "studies.predict",
    "compile": "studies.compile",
    "layers": "tasks.layers",
    "load_artifact": "artifacts.artifact",
    "load_checkpoint": "training.checkpoint",
    "load_task": "studies.load",
    "quantize": "studies.quantize",
    "read_digit": "tasks.digit",
    "run": "studies.pipeline",
    "settings_for": "settings.values",
    "study": "api",
    "train": "training.train",
    "use_plugins": "plugins",
    "verify": "studies.verify",
    "why_unusable": "studies.usable",
}
"""Public name -> the module that defines it."""

__all__ = [
    "RECIPES",
    "Artifact",
    "Checkpoint",
    "Options",
    "OwnStudy",
    "QuantbenchError",
    "Results",
    "Study",
    "Task",
    "answers",
    "compile",
    "layers",
    "load_artifact",
    "load_checkpoint",
    "load_task",
    "quantize",
    "read_digit",
    "run",
    "settings_for",
    "study",
    "train",
    "use_plugins",
    "verify",
    "why_unusable",
]

switch_off()


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'quantbench' has no attribute '{name}'")
    return getattr(import_module(f"quantbench.{_HOMES[name]}"), name)
