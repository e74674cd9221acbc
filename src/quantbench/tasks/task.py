"""A task: a network, its data and its splits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from quantbench import plugins
from quantbench.data import DataSpec, Split, preprocess, preprocess_sha256


@dataclass(frozen=True)
class Task:
    """Splits are disjoint; images are uint8 [N, 28, 28], labels int64 [N]."""

    model: str
    spec: DataSpec
    input_shape: tuple[int, int, int]
    train: Split
    calibration: Split
    test: Split

    def build(self) -> nn.Module:
        return plugins.model(self.model).build()

    @cached_property
    def classes(self) -> int:
        """How many logits the network gives an image."""
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            model = self.build().eval()
            return int(model(torch.zeros(1, *self.input_shape)).shape[1])

    @property
    def preprocessing_sha256(self) -> str:
        return preprocess_sha256(self.spec)

    def inputs(self, split: Split) -> NDArray[np.float32]:
        """What every network and engine is given: float32 [N, 1, 32, 32]."""
        return preprocess(split.images, self.spec)

    def without_test(self) -> Task:
        """What a method sees."""
        test = self.test
        return replace(
            self, test=Split(test.name, test.images[:0], test.labels[:0], test.index[:0])
        )
