"""Calibration samples, the same for every method."""

from __future__ import annotations

from functools import partial
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import nn

from quantbench.contracts import QuantizeJob
from quantbench.errors import CalibrationError
from quantbench.system.record import Settings
from quantbench.tasks.layers import tensors

BATCH = 100


class CalibrationSettings(Settings):
    """The settings that every calibrating method has."""

    images: int = Field(default=1000, gt=0, le=5000, description="calibration images")


C = TypeVar("C", bound=CalibrationSettings)


def calibration_inputs(job: QuantizeJob[C]) -> NDArray[np.float32]:
    """The first `images` of the calibration samples: float32 [images, *input_shape]."""
    return job.calibration[: job.settings.images]


def refuse_nonfinite(model: nn.Module, inputs: NDArray[np.float32]) -> None:
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
            for batch in torch.from_numpy(inputs).split(BATCH):
                model(batch)
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
            image = int((~finite).nonzero()[0][0])
            raise CalibrationError(
                f"layer '{name}' gives a value that isn't finite for image "
                f"{image} of a calibration batch; check the weights and the images"
            )
