"""A task: a network, its data and its splits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from quantbench.data import DataSpec, Split, preprocess, preprocess_sha256


@dataclass(frozen=True)
class Task:
    """A network and its data: images uint8 [N, 28, 28], labels int64 [N], in disjoint splits."""

    model: str
    build: Callable[[], nn.Module]
    """A new network with PyTorch's own initialisation, drawn from the global seed."""
    source: Path
    """The file that defines `build`: trained weights depend on its content."""
    spec: DataSpec
    input_shape: tuple[int, int, int]
    train: Split
    calibration: Split
    test: Split

    @cached_property
    def classes(self) -> int:
        """The number of logits for an image, from a forward pass of a new network."""
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            model = self.build().eval()
            return int(model(torch.zeros(1, *self.input_shape)).shape[1])

    @property
    def preprocessing_sha256(self) -> str:
        """Identify the preprocessing that turns images into inputs."""
        return preprocess_sha256(self.spec)

    def inputs(self, split: Split) -> NDArray[np.float32]:
        """The inputs of every network and runtime for a split: float32 [N, 1, 32, 32]."""
        return preprocess(split.images, self.spec)

    def without_test(self) -> Task:
        """The same task with an empty test split: the task that a method is given."""
        test = self.test
        return replace(
            self, test=Split(test.name, test.images[:0], test.labels[:0], test.index[:0])
        )
