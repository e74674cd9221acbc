"""The evidence that checks look at: a network, its samples, and what it answers to some of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from torch import nn

from quantbench.errors import UsageError, cause
from quantbench.samples.records import Array, Arrays, Samples
from quantbench.tasks.forward import float_outputs
from quantbench.tasks.network import Network
from quantbench.tasks.task import Task

LOOKED_AT = 512
"""Samples of a split that are looked at, spread evenly over it."""
_BATCH = 32
_BYTES = 128 * 2**20
"""The most bytes of inputs that are looked at: fewer samples where they are large."""


@dataclass(frozen=True)
class Evidence:
    """A task, and what its network answers; all that is costly is computed once, when asked for.

    Checks that look at answers come after those on shapes, where these stopped nothing.
    """

    task: Task
    handed: nn.Module | None = None
    """The module as the user handed it over, where it was one."""

    @property
    def network(self) -> Network:
        """The float network."""
        return self.task.network

    @cached_property
    def module(self) -> nn.Module | None:
        """A copy of the module in eval mode; None for a network that is a file."""
        return None if self.network.make_module is None else self.network.module()

    @cached_property
    def calibration(self) -> Samples:
        """Calibration samples, LOOKED_AT at most."""
        return spread(self.task.calibration, self.network.fixed_batch or 1)

    @cached_property
    def test(self) -> Samples:
        """Test samples, LOOKED_AT at most."""
        return spread(self.task.test, self.network.fixed_batch or 1)

    @cached_property
    def calibration_inputs(self) -> Arrays:
        """The inputs of `calibration`, one array [n, ...] each."""
        return self.calibration.inputs()

    @cached_property
    def test_inputs(self) -> Arrays:
        """The inputs of `test`, one array [n, ...] each."""
        return self.test.inputs()

    @cached_property
    def outputs(self) -> Arrays:
        """The network's answers to `test_inputs`, one array [n, ...] an output.

        Raises UsageError where the network fails on its samples.
        """
        try:
            return float_outputs(self.network, self.test, _BATCH)
        except Exception as error:  # a network's own code may raise anything
            shapes = ", ".join(f"{array.dtype} {list(array.shape)}" for array in self.test_inputs)
            raise UsageError(
                f"{self.network.name} fails on test samples ({shapes}): {cause(error)}"
            ) from error


def spread(samples: Samples, multiple: int = 1) -> Samples:
    """Take samples at even distances, so that a sorted split is seen from end to end.

    Their number is a multiple of `multiple`, the batch that the network takes.
    """
    if len(samples) == 0:
        return samples
    size = sum(array.nbytes for array in samples.inputs(0, 1))
    count = min(LOOKED_AT, max(1, _BYTES // max(size, 1)), len(samples))
    count = max(multiple, count // multiple * multiple)
    rows = np.linspace(0, len(samples) - 1, count).round().astype(np.int64)
    targets = None if samples.targets is None else np.asarray(samples.targets[rows])
    stored = tuple(np.asarray(array[rows]) for array in samples.stored)
    return replace(samples, stored=stored, targets=targets)


def is_numeric(array: Array) -> bool:
    """Whether an input holds quantities: integers and booleans are indices and masks."""
    return np.issubdtype(array.dtype, np.floating)
