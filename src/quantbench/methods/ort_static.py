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

from quantbench.contracts import Files, QuantizeJob
from quantbench.export.calibration import (
    BATCH,
    CalibrationSettings,
    calibration_inputs,
    refuse_nonfinite,
)
from quantbench.export.ort_quantizer import finished, float_onnx, saturates_here
from quantbench.export.to_onnx import INPUT
from quantbench.system.progress import Progress
from quantbench.system.silence import silenced

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
    """The settings of ONNX Runtime's static quantization.

    `types`: of activations, then of weights, u8 or s8 each.
    """

    calibration: Literal["minmax", "entropy", "percentile"] = "minmax"
    percentile: float = Field(99.999, gt=50, le=100, description="of values kept, if so chosen")
    types: Literal["u8s8", "u8u8", "s8s8"] = "u8s8"
    per_channel: bool = True
    reduce_range: bool = Field(default_factory=_reduced, description="weights of 7 bits")


SETTINGS = StaticSettings


def quantize(job: QuantizeJob[StaticSettings]) -> Files:
    model = job.network()
    inputs = calibration_inputs(job)
    refuse_nonfinite(model, inputs)
    activations, weights = _TYPES[job.settings.types]
    with tempfile.TemporaryDirectory(dir=job.folder) as scratch:
        source, written = Path(scratch) / "float.onnx", Path(scratch) / "quantized.onnx"
        float_onnx(model, job.input_shape, source)
        with silenced():
            quantize_static(
                source,
                written,
                _Batches(inputs, job.progress),
                quant_format=QuantFormat.QDQ,
                activation_type=activations,
                weight_type=weights,
                per_channel=job.settings.per_channel,
                reduce_range=job.settings.reduce_range,
                calibrate_method=_CALIBRATIONS[job.settings.calibration],
                extra_options={
                    "CalibStridedMinMax": 1,  # for every calibration: one batch is held at a time
                    "CalibPercentile": job.settings.percentile,
                },
            )
        how = f"calibrated on {len(inputs)} images, {job.settings.calibration}"
        return finished(job, written, (how,))


class _Batches(CalibrationDataReader):  # type: ignore[misc]
    """The calibration batches, each given once; ONNX Runtime asks for one at a time."""

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
                next(self._batches, None)  # ends the progress bar
            return None
        self._wanted, self._given = self._wanted - 1, self._given + 1
        return {INPUT: next(self._batches)}
