"""ONNX Runtime's static quantization, written as ONNX with QuantizeLinear/DequantizeLinear.

The range of every activation is observed on calibration images, so that activations stay
integers from the image to the logits.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from pydantic import Field

from quantbench.export.calibration import (
    BATCH,
    CalibrationSettings,
    calibration_inputs,
    refuse_nonfinite,
)
from quantbench.export.ort_quantizer import finished, float_onnx, saturates_here
from quantbench.export.to_onnx import INPUT, MODEL, silenced
from quantbench.numerics.coverage import Quantized
from quantbench.system.progress import Progress
from quantbench.tasks.task import Task
from quantbench.training.checkpoint import Checkpoint, float_model

FORMATS = ("onnx",)
LIBRARIES = ("torch", "onnx", "onnxscript", "onnxruntime")
_CALIBRATIONS = {
    "minmax": CalibrationMethod.MinMax,
    "entropy": CalibrationMethod.Entropy,
    "percentile": CalibrationMethod.Percentile,
}
_TYPES = {
    "u8s8": (QuantType.QUInt8, QuantType.QInt8),
    "u8u8": (QuantType.QUInt8, QuantType.QUInt8),
    "s8s8": (QuantType.QInt8, QuantType.QInt8),
}


def _reduced(data: dict[str, Any]) -> bool:
    return saturates_here("uint8" if data["types"] == "u8u8" else "int8")


class StaticSettings(CalibrationSettings):
    """`types` are those of activations, then of weights."""

    calibration: Literal["minmax", "entropy", "percentile"] = "minmax"
    percentile: float = Field(99.999, gt=50, le=100, description="of values kept, if so chosen")
    types: Literal["u8s8", "u8u8", "s8s8"] = "u8s8"
    per_channel: bool = True
    reduce_range: bool = Field(default_factory=_reduced, description="weights of 7 bits")


SETTINGS = StaticSettings


def unavailable() -> str | None:
    return None


def quantize(
    task: Task,
    checkpoint: Checkpoint,
    settings: StaticSettings,
    format: str,
    folder: Path,
    progress: Progress,
) -> Quantized:
    model = float_model(task, checkpoint)
    inputs = calibration_inputs(task, settings)
    refuse_nonfinite(model, inputs)
    activations, weights = _TYPES[settings.types]
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        source, written = Path(scratch) / "float.onnx", Path(scratch) / "quantized.onnx"
        float_onnx(model, task.input_shape, source)
        with silenced():
            quantize_static(
                source,
                written,
                _Batches(inputs, progress),
                quant_format=QuantFormat.QDQ,
                activation_type=activations,
                weight_type=weights,
                per_channel=settings.per_channel,
                reduce_range=settings.reduce_range,
                calibrate_method=_CALIBRATIONS[settings.calibration],
                extra_options={
                    "CalibStridedMinMax": 1,  # of any calibration: one batch is held at a time
                    "CalibPercentile": settings.percentile,
                },
            )
        how = f"calibrated on {len(inputs)} images, {settings.calibration}"
        return finished(model, task.input_shape, written, folder / MODEL, (how,))


class _Batches(CalibrationDataReader):  # type: ignore[misc]
    """Gives each batch once; ONNX Runtime asks for them in turn, one at a time."""

    def __init__(self, inputs: NDArray[np.float32], progress: Progress) -> None:
        batches = [inputs[at : at + BATCH] for at in range(0, len(inputs), BATCH)]
        self._batches = iter(progress.each(batches, "calibrating", len(batches)))
        self._count = len(batches)
        self._wanted, self._given = 0, 0

    def __len__(self) -> int:
        return self._count

    def set_range(self, start_index: int, end_index: int) -> None:
        self._wanted = end_index - start_index

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        if not self._wanted:
            if self._given == self._count:
                next(self._batches, None)  # ends what is tracked
            return None
        self._wanted, self._given = self._wanted - 1, self._given + 1
        return {INPUT: next(self._batches)}
