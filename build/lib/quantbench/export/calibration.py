"""Calibration samples, the same for every method."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import partial
from typing import TypeVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from quantbench.contracts import QuantizeJob
from quantbench.errors import CalibrationError
from quantbench.samples.records import Arrays, Samples
from quantbench.system.record import Settings
from quantbench.tasks.layers import tensors
from quantbench.tasks.network import Network

BATCH = 100
BATCH_BYTES = 4 * 2**20
"""The most samples of a batch, and the most bytes of its inputs: ONNX Runtime's calibration keeps
every activation of a batch, which is hundreds of times its input in ResNet-50."""


class CalibrationSettings(Settings):
    """The settings that every calibrating method has."""

    images: int = Field(default=1000, gt=0, le=5000, description="calibration samples")


C = TypeVar("C", bound=CalibrationSettings)


class Batches:
    """Calibration batches of a network, prepared one at a time; they may be iterated again."""

    def __init__(self, samples: Samples, network: Network) -> None:
        self.samples = len(samples)
        self._samples = samples
        self._fixed = network.fixed_batch
        self._size = network.fixed_batch or _batch_size(samples)

    def __len__(self) -> int:
        return math.ceil(self.samples / self._size)

    def __iter__(self) -> Iterator[Arrays]:
        for inputs in self._samples.batches(self._size):
            yield inputs if self._fixed is None else _filled(inputs, self._fixed)

    def tensors(self) -> Iterator[tuple[Tensor, ...]]:
        """Yield the batches as PyTorch's tensors."""
        for inputs in self:
            yield tuple(torch.from_numpy(array) for array in inputs)


def calibration_batches(job: QuantizeJob[C]) -> Batches:
    """The batches of the first `images` calibration samples."""
    return Batches(job.calibration.part(0, job.settings.images), job.network)


def first_batch(job: QuantizeJob[Settings]) -> Batches:
    """One batch of calibration samples, to try a network with."""
    size = job.network.fixed_batch or _batch_size(job.calibration)
    return Batches(job.calibration.part(0, size), job.network)


def _batch_size(samples: Samples) -> int:
    """The most samples within BATCH and BATCH_BYTES."""
    sample = sum(array.nbytes for array in samples.inputs(0, 1))
    return max(1, min(BATCH, BATCH_BYTES // max(sample, 1)))


def _filled(inputs: Arrays, size: int) -> Arrays:
    """A full batch: samples are repeated where the last batch is short."""
    return tuple(np.take(array, range(size), axis=0, mode="wrap") for array in inputs)


def refuse_nonfinite(model: nn.Module, batches: Iterable[Arrays]) -> None:
    """Raise CalibrationError, naming the first layer whose output isn't finite.

    It is called before quantizers that ignore such values.
    """
    hooks = [
        module.register_forward_hook(partial(refuse_output, name))
        for name, module in model.named_modules()
        if not any(module.children())
    ]
    try:
        with torch.inference_mode():
            for inputs in batches:
                model(*map(torch.from_numpy, inputs))
    finally:
        for hook in hooks:
            hook.remove()


def refuse_output(
    name: str,
    module: nn.Module,  # noqa: ARG001 - a hook is given it
    inputs: object,  # noqa: ARG001
    output: object,
) -> None:
    """A forward hook that raises CalibrationError unless every value is finite."""
    for tensor in tensors(output):
        finite = tensor.isfinite()
        if not finite.all():
            sample = int((~finite).nonzero()[0][0])
            raise CalibrationError(
                f"layer '{name}' gives a value that isn't finite for sample "
                f"{sample} of a calibration batch; check the weights and the samples"
            )
