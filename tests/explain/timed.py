"""A network whose time is known to go into one layer, and its artifacts as rows of a study."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch
from torch import nn

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.explain.subject import Subject
from quantbench.results.records import Row
from quantbench.studies.quantize import quantize
from quantbench.tasks.task import Task
from tests.networks import calibration, network_of
from tests.report import builder

LARGE, LARGE_MACS = "large", 32 * 32 * 81 * 256


class OneLargeLayer(nn.Module):
    """A convolution of 21 million multiply-adds between layers of 74 thousand and fewer."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 32, 3, padding=1)
        self.large = nn.Conv2d(32, 32, 9, padding=4)
        self.head = nn.Linear(32, 10)
        self.relu = nn.ReLU()
        self.pool = nn.AdaptiveAvgPool2d(1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Logits [N, 10] of images [N, 1, 16, 16]."""
        hidden = self.relu(self.large(self.relu(self.first(image))))
        return self.head(torch.flatten(self.pool(hidden), 1))


def built() -> nn.Module:
    """The network, the same at each call."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return OneLargeLayer().eval()


@cache
def task() -> Task:
    """The task of the network; its samples are random."""
    network = network_of(built, (1, 16, 16))
    samples = calibration(network, 64)
    return Task(network, "random", samples, calibration(network, 16, seed=1))


def artifact(method: str, format: str, parent: Path) -> Artifact:
    """What a method makes of the network, with its own settings."""
    return quantize(task(), method, plugins.method(method).SETTINGS(), format, parent)


def row(made: Artifact, runtime: str, batch: int = 16) -> Row:
    """The row of an artifact whose folder lies in the study's."""
    times = tuple(builder.latency("model", size, 50.0) for size in dict.fromkeys((1, batch)))
    return builder.row(
        made.body.method,
        runtime,
        size=made.bytes,
        artifact=made.folder.name,
        format=made.body.format,
        latency=times,
    )


def subject(rows: tuple[Row, ...], out: Path, scratch: Path) -> Subject:
    """A study of these rows in the folder `out`."""
    return Subject(task(), builder.results(*rows), out, scratch)
