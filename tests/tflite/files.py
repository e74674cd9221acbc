"""The TensorFlow Lite files of this folder, and the PyTorch modules that they were made from."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from quantbench.samples.records import Arrays, Samples
from quantbench.tasks.source import load_network
from quantbench.tasks.task import Task
from tests.families import ds_cnn, mlp, resnet8, two_inputs
from tests.families.family import Family
from tests.families.fit import fitted

WIDTH = 0.25
FAMILIES: dict[str, Family] = {
    "mlp": mlp.FAMILY,
    "ds_cnn": ds_cnn.FAMILY,
    "resnet8": resnet8.FAMILY,
    "two_inputs": two_inputs.FAMILY,
}


def path(name: str) -> Path:
    return Path(__file__).with_name(f"{name}.tflite")


def module(name: str) -> nn.Module:
    return fitted(FAMILIES[name], WIDTH, 0)


def samples(name: str, count: int, seed: int = 1) -> Arrays:
    return FAMILIES[name].samples(WIDTH, count, seed)[0]


def torch_answers(name: str, arrays: Arrays) -> Arrays:
    with torch.inference_mode():
        answer = module(name)(*map(torch.from_numpy, arrays))
    return tuple(part.numpy() for part in (answer if isinstance(answer, tuple) else (answer,)))


def task(name: str) -> Task:
    """The task of a file; its samples are generated and its targets its family's."""
    arrays, targets = FAMILIES[name].samples(WIDTH, 120, 2)
    tested, expected = FAMILIES[name].samples(WIDTH, 60, 3)
    network = load_network(path(name))
    return Task(
        network,
        "generated",
        Samples("calibration", arrays, targets),
        Samples("test", tested, expected),
    )
