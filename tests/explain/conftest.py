"""Fixtures of the tests of explain/: a residual network, quantized, and a folder of studies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.studies.quantize import quantize
from quantbench.tasks.task import Task
from tests.networks import calibration, small


def task_of(name: str) -> Task:
    """The task of one of tests/networks.py, with 60 samples to calibrate and 40 to test."""
    network = small(name)
    test = replace(calibration(network, 40, seed=1), name="test")
    return Task(network, "random numbers", calibration(network), test)


def artifact_of(task: Task, method: str, format: str, parent: Path) -> Artifact:
    return quantize(task, method, plugins.method(method).SETTINGS(), format, parent)


@pytest.fixture(scope="session")
def residual() -> Task:
    return task_of("residual")


@pytest.fixture(scope="session")
def ort_static(residual: Task, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return artifact_of(residual, "ort_static", "onnx", tmp_path_factory.mktemp("ort_static"))


@pytest.fixture(scope="session")
def timed_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which artifacts of tests/explain/timed.py are made once for all tests."""
    return tmp_path_factory.mktemp("timed")
