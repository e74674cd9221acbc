"""PyTorch's dynamic quantization, asked for every Conv2d and Linear as the report did.

Weights are int8; activations are quantized on the way into each layer, with a scale taken
from the batch at hand. Only Linear has such a layer in PyTorch.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch
from torch import nn
from torch.ao.quantization import quantize_dynamic

from quantbench.artifacts.state_file import STATE, write_state
from quantbench.export.eager import (
    EagerSettings,
    layer_numerics,
    silenced,
    using_engine,
)
from quantbench.numerics.coverage import Quantized
from quantbench.system.progress import Progress
from quantbench.tasks.task import Task
from quantbench.training.checkpoint import Checkpoint, float_model

FORMATS = ("torch",)
LIBRARIES = ("torch",)
SETTINGS = EagerSettings
ASKED = (nn.Conv2d, nn.Linear)


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
        numerics="weights int8 per tensor, activations uint8 scaled at run time",
        structure=str(converted),
        layers=layer_numerics(
            model,
            converted,
            task.input_shape,
            prefix="",
            weights="int8 per tensor",
            activations="uint8, scaled at run time",
            why_float=_why_float,
        ),
    )


def _why_float(kind: str) -> str:
    asked = [module.__name__ for module in ASKED]
    if kind in asked:
        return (
            f"PyTorch has no dynamically quantized {kind}: "
            "quantize_dynamic passes it over without a word"
        )
    return f"quantize_dynamic was asked for {' and '.join(asked)} alone, as in the source report"


def skeleton(float_model: nn.Module, settings: EagerSettings) -> nn.Module:
    with silenced(), using_engine(settings.engine):
        module = quantize_dynamic(float_model.eval(), set(ASKED), dtype=torch.qint8)
    return cast(nn.Module, module)
