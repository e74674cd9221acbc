"""ONNX Runtime's dynamic quantization, convolutions included (ConvInteger).

Weights are 8-bit integers; activations are quantized on the way into each layer, with a
scale taken from the batch at hand, and its sums are turned back into float32.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Literal

from onnxruntime.quantization import QuantType, quantize_dynamic
from pydantic import Field

from quantbench.export.calibration import (
    BATCH,
    CalibrationSettings,
    calibration_inputs,
    refuse_nonfinite,
)
from quantbench.export.ort_quantizer import finished, float_onnx, saturates_here
from quantbench.export.to_onnx import MODEL, silenced
from quantbench.numerics.coverage import Quantized
from quantbench.system.progress import Progress
from quantbench.system.record import Settings
from quantbench.tasks.task import Task
from quantbench.training.checkpoint import Checkpoint, float_model

FORMATS = ("onnx",)
LIBRARIES = ("torch", "onnx", "onnxscript", "onnxruntime")
_TYPES = {"uint8": QuantType.QUInt8, "int8": QuantType.QInt8}


def _reduced(data: dict[str, Any]) -> bool:
    return saturates_here(data["weights"])


class DynamicSettings(Settings):
    """`per_channel` reaches fully connected layers: ConvInteger knows one scale for all."""

    weights: Literal["uint8", "int8"] = "uint8"
    per_channel: bool = True
    reduce_range: bool = Field(default_factory=_reduced, description="weights of 7 bits")


SETTINGS = DynamicSettings


def unavailable() -> str | None:
    return None


def quantize(
    task: Task,
    checkpoint: Checkpoint,
    settings: DynamicSettings,
    format: str,
    folder: Path,
    progress: Progress,
) -> Quantized:
    model = float_model(task, checkpoint)
    refuse_nonfinite(model, calibration_inputs(task, CalibrationSettings(images=BATCH)))
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        source, written = Path(scratch) / "float.onnx", Path(scratch) / "quantized.onnx"
        float_onnx(model, task.input_shape, source)
        with silenced():
            quantize_dynamic(
                source,
                written,
                op_types_to_quantize=["Conv", "MatMul", "Gemm"],
                weight_type=_TYPES[settings.weights],
                per_channel=settings.per_channel,
                reduce_range=settings.reduce_range,
            )
        return finished(model, task.input_shape, written, folder / MODEL)
