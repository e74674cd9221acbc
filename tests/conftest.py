"""Fixtures that more than one folder of tests needs."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import hypothesis
import pytest

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.data import Splits, load
from quantbench.data.mnist import SPEC
from quantbench.studies.quantize import quantize
from quantbench.tasks.task import Task
from quantbench.training.checkpoint import Checkpoint, with_weights
from tests import tiny

# A busy machine is no fault of the code: no deadline for an example.
hypothesis.settings.register_profile("quantbench", deadline=None)
hypothesis.settings.load_profile("quantbench")


@pytest.fixture(scope="session")
def mnist() -> Splits:
    """The real MNIST, through the ordinary cache and sources."""
    return load(SPEC)


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Checkpoint]:
    """The training of each model's tiny task."""
    parent = tmp_path_factory.mktemp("checkpoints")
    return cache(lambda model: tiny.trained(tiny.task(model), parent))


@pytest.fixture(scope="session")
def tasks(checkpoints: Callable[[str], Checkpoint]) -> Callable[[str], Task]:
    """The tiny task of each model, trained."""
    return cache(lambda model: with_weights(tiny.task(model), checkpoints(model)))


@pytest.fixture(scope="session")
def artifacts(
    tasks: Callable[[str], Task],
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str, str, str], Artifact]:
    """By model, method and format, with the method's own settings."""
    parents: dict[str, Path] = {}

    @cache
    def make(model: str, method: str, format: str) -> Artifact:
        parent = parents.setdefault(model, tmp_path_factory.mktemp("artifacts"))
        settings = plugins.method(method).SETTINGS()
        return quantize(tasks(model), method, settings, format, parent)

    return make


@pytest.fixture
def task(tasks: Callable[[str], Task]) -> Task:
    return tasks("lenet")


@pytest.fixture
def checkpoint(checkpoints: Callable[[str], Checkpoint]) -> Checkpoint:
    return checkpoints("lenet")
