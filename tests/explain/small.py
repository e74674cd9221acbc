"""A small trained perceptron, with or without a fault, and the study that an explanation takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from quantbench.explain.subject import Subject
from quantbench.samples.records import Samples
from quantbench.tasks.task import Task
from tests.methods.ort import made
from tests.networks import network_of
from tests.report import builder

CLASSES, FEATURES, HIDDEN = 4, 8, 24
CALIBRATION, TEST = 200, 2_000
FAULTY = "2"


def task(*, faulty: bool = False, tails: float = 0.0) -> Task:
    """Points around four centres, and a perceptron that was trained to tell them apart.

    `tails`: how much points differ in size, as the spread of its logarithm: ranges that few points
    tell are too narrow for most.
    `faulty`: one channel of layer FAULTY has weights a thousand times as large, on inputs that
    are never negative, and is cut off by the ReLU behind it: float32 doesn't notice, and scales
    for the whole tensor round all other weights of that layer to 0.
    """
    rng = np.random.default_rng(3)
    centres = 2 * rng.normal(size=(CLASSES, FEATURES))

    def drawn(name: str, count: int) -> Samples:
        targets = rng.integers(0, CLASSES, count)
        points = centres[targets] + rng.normal(size=(count, FEATURES))
        points *= np.exp(tails * rng.normal(size=(count, 1)))
        return Samples(name, (points.astype(np.float32),), targets)

    train, calibration, test = (
        drawn("train", 800),
        drawn("calibration", CALIBRATION),
        drawn("test", TEST),
    )
    model = _trained(train)
    if faulty:
        layer = model[int(FAULTY)]
        with torch.no_grad():
            layer.weight[0] = -1_000 * layer.weight.abs().max()
            layer.bias[0] = -1.0
    return Task(network_of(model, (FEATURES,)), "points", calibration, test, metric="accuracy")


def _trained(train: Samples) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = nn.Sequential(
            nn.Linear(FEATURES, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, CLASSES),
        )
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    assert train.targets is not None
    inputs, targets = torch.from_numpy(train.inputs()[0]), torch.from_numpy(train.targets)
    for _ in range(60):
        optimizer.zero_grad()
        F.cross_entropy(model(inputs), targets).backward()
        optimizer.step()
    return model.eval()


def subject(task: Task, out: Path, method: str = "ort_static", **settings: str) -> Subject:
    """The study of a task with a row of one method, with these settings, on ONNX Runtime."""
    artifact = made(task, out / "artifacts", method, **settings)
    row = builder.rows()[0].model_copy(
        update={
            "method": method,
            "runtime": "onnxruntime",
            "format": "onnx",
            "settings": artifact.body.settings,
            "artifact": f"artifacts/{artifact.folder.name}",
        }
    )
    results = builder.results().model_copy(
        update={"model": "perceptron", "rows": (row,), "answers": ()}
    )
    scratch = out / ".scratch"
    scratch.mkdir()
    return Subject(task, results, out, scratch)
