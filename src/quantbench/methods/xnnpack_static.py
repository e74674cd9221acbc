"""ExecuTorch's static quantization: torchao's PT2E with the quantizer for XNNPACK.

Each layer's inputs and output are observed on calibration images, the logits too. XNNPACK
multiplies int8 with int8 and adds in 32 bits on every CPU, so no range is ever reduced.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch
from torch import fx, nn

from quantbench.export import pt2e, to_executorch
from quantbench.export.calibration import CalibrationSettings, calibration_inputs
from quantbench.export.needs import xnnpack as unavailable  # noqa: F401 - the contract's
from quantbench.numerics.coverage import LayerNumerics, Quantized
from quantbench.system.progress import Progress
from quantbench.system.silence import silenced
from quantbench.tasks.task import Task
from quantbench.training.checkpoint import Checkpoint, float_model

FORMATS = ("executorch",)
LIBRARIES = ("torch", "torchao", "executorch")


class XnnpackSettings(CalibrationSettings):
    per_channel: bool = True


SETTINGS = XnnpackSettings


def quantize(
    task: Task,
    checkpoint: Checkpoint,
    settings: XnnpackSettings,
    format: str,
    folder: Path,
    progress: Progress,
) -> Quantized:
    model = float_model(task, checkpoint)
    graph = pt2e.observed(model, task.input_shape, _quantizer(settings), train=False)
    pt2e.require_eval(graph, "preparation")
    inputs = torch.from_numpy(calibration_inputs(task, settings))
    pt2e.calibrate(graph, inputs, progress)
    converted = pt2e.converted(graph)
    outside = to_executorch.lower(converted, task.input_shape, folder / to_executorch.MODEL)
    each = "per channel" if settings.per_channel else "per tensor"
    return Quantized(
        numerics=f"weights int8 {each}, activations int8",
        layers=_layers(model, converted, task.input_shape, each, outside),
        structure=pt2e.structure_of(converted),
        notes=(f"calibrated on {len(inputs)} images", *to_executorch.note(outside)),
    )


def _quantizer(settings: XnnpackSettings) -> object:
    with silenced():
        from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
            XNNPACKQuantizer,
            get_symmetric_quantization_config,
        )

        config = get_symmetric_quantization_config(is_per_channel=settings.per_channel)
        return cast(object, XNNPACKQuantizer().set_global(config))


def _layers(
    model: nn.Module,
    graph: fx.GraphModule,
    input_shape: tuple[int, ...],
    each: str,
    outside: dict[str, str],
) -> tuple[LayerNumerics, ...]:
    """As annotated, but for the layers that XNNPACK didn't take: those run in float32."""
    told = pt2e.layer_numerics(model, graph, input_shape, "int8", "XNNPACKQuantizer")
    return tuple(
        layer.model_copy(update={"weights": f"int8 {each}"} if layer.integer else {})
        if layer.name not in outside.values()
        else layer.model_copy(
            update={
                "integer": False,
                "weights": "float32",
                "activations": "float32",
                "reason": "XNNPACK doesn't take it: a portable kernel runs it in float32",
                "scale": None,
                "zero_point": None,
            }
        )
        for layer in told
    )
