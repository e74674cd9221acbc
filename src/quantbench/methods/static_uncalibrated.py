"""The source report's static quantization: prepare, then convert, with nothing between.

No image passes the observers, so every activation gets scale 1 and zero point 0. It is
here to be compared with, not to be shipped.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

from torch import nn
from torch.ao.quantization import convert, get_default_qconfig, prepare

from quantbench.artifacts.state_file import STATE, write_state
from quantbench.export.eager import (
    EagerSettings,
    layer_numerics,
    passed_over,
    set_qconfig,
    silenced,
    using_engine,
    wrapped,
)
from quantbench.numerics.coverage import Quantized
from quantbench.system.progress import Progress
from quantbench.tasks.task import Task
from quantbench.training.checkpoint import Checkpoint, float_model

FORMATS = ("torch",)
LIBRARIES = ("torch",)
SETTINGS = EagerSettings


def unavailable() -> str | None:
    return None


def quantize(
    task: Task,
    checkpoint: Checkpoint,
    settings: EagerSettings,
    format: str,
    folder: Path,
    progress: Progress,
) -> Quantized:
    model = float_model(task, checkpoint)
    converted = skeleton(model, settings)
    write_state(folder / STATE, converted.state_dict())
    return Quantized(
        numerics="weights int8 per channel, activations uint8 at scale 1",
        structure=str(converted),
        layers=layer_numerics(
            model,
            converted,
            task.input_shape,
            prefix="module.",
            weights="int8 per channel",
            activations="uint8 at scale 1",
            why_float=passed_over,
        ),
        notes=("not calibrated: every activation is rounded to a whole number from 0 to 255",),
    )


def skeleton(float_model: nn.Module, settings: EagerSettings) -> nn.Module:
    with silenced(), using_engine(settings.engine):
        module = wrapped(float_model, fuse=False)
        set_qconfig(module, get_default_qconfig(settings.engine))
        return cast(nn.Module, convert(prepare(module)))
