"""A network and samples that no check objects to, to be spoilt one thing at a time."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from quantbench.samples.records import Array, Samples
from quantbench.tasks.checks.evidence import Evidence
from quantbench.tasks.network import Network, TensorSpec
from quantbench.tasks.task import Task

CLASSES = 5


def network(module: nn.Module, *shapes: tuple[int, ...], classes: int = CLASSES) -> Network:
    inputs = tuple(TensorSpec(name=f"x{i}", shape=shape) for i, shape in enumerate(shapes))
    outputs = (TensorSpec(name="scores", shape=(classes,)),)
    return Network("net", inputs, outputs, "0", make_module=lambda: module.eval())


def pixels(count: int, seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).normal(size=(count, *shape)).astype(np.float32)


def labels(count: int) -> Array:
    return np.arange(count, dtype=np.int64) % CLASSES


def samples(name: str, *arrays: Array, targets: Array | None = None) -> Samples:
    return Samples(name, arrays, labels(len(arrays[0])) if targets is None else targets)


def small() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Flatten(), nn.Linear(48, CLASSES)).eval()


def evidence(
    module: nn.Module | None = None,
    *,
    calibration: Samples | None = None,
    test: Samples | None = None,
    shape: tuple[int, ...] = (3, 4, 4),
    handed: nn.Module | None = None,
) -> Evidence:
    net = network(module or small(), shape)
    task = Task(
        net,
        "generated",
        samples("calibration", pixels(200, 1, *shape)) if calibration is None else calibration,
        samples("test", pixels(300, 2, *shape)) if test is None else test,
    )
    return Evidence(task, handed)
