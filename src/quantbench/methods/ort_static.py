"""ONNX Runtime's static quantization, written as ONNX with QuantizeLinear/DequantizeLinear.

The range of every activation is observed on calibration samples, so that activations stay
integers from the input to the logits.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Literal

import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from pydantic import Field

from quantbench.contracts import Files, QuantizeJob
from quantbench.export.calibration import Batches, CalibrationSettings, calibration_batches
from quantbench.export.float_nodes import nodes_left_float
from quantbench.export.leave_float import LeaveFloatSettings
from quantbench.export.ort_quantizer import (
    finished,
    float_onnx,
    input_names,
    require_finite,
    saturates_here,
)
from quantbench.export.refusal import refusing
from quantbench.samples.records import Array
from quantbench.system.progress import Progress
from quantbench.system.silence import silenced

FORMATS = ("onnx",)
QUANTIZES = ("Conv1d", "Conv2d", "Conv3d", "Linear", "MultiheadAttention", "Conv", "Gemm", "MatMul")
TAKES_ONNX = True
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


class StaticSettings(LeaveFloatSettings, CalibrationSettings):
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
    batches = calibration_batches(job)
    activations, weights = _TYPES[job.settings.types]
    with tempfile.TemporaryDirectory(dir=job.folder) as scratch:
        source, written = Path(scratch) / "float.onnx", Path(scratch) / "quantized.onnx"
        float_onnx(job.network, source)
        require_finite(job.network, source, batches)
        model = onnx.load(source)
        names = input_names(model)
        excluded = nodes_left_float(model, job.network, job.settings.leave_float)
        with silenced(), refusing("ONNX Runtime can't quantize the network"):
            quantize_static(
                source,
                written,
                Reader(batches, names, job.progress),
                quant_format=QuantFormat.QDQ,
                activation_type=activations,
                weight_type=weights,
                per_channel=job.settings.per_channel,
                reduce_range=job.settings.reduce_range,
                nodes_to_exclude=excluded,
                calibrate_method=_CALIBRATIONS[job.settings.calibration],
                extra_options={
                    "CalibStridedMinMax": 1,  # for every calibration: one batch is held at a time
                    "CalibPercentile": job.settings.percentile,
                },
            )
        how = f"calibrated on {batches.samples} samples, {job.settings.calibration}"
        return finished(job, written, (how,), excluded)


class Reader(CalibrationDataReader):  # type: ignore[misc]
    """The calibration batches, each given once; ONNX Runtime asks for one at a time."""

    def __init__(self, batches: Batches, names: list[str], progress: Progress) -> None:
        self._batches = iter(progress.each(batches, "calibrating", len(batches)))
        self._names = names
        self._count = len(batches)
        self._wanted, self._given = 0, 0

    def __len__(self) -> int:
        return self._count

    def set_range(self, start_index: int, end_index: int) -> None:
        """Give so many batches next: ONNX Runtime's way to bound the memory of a pass."""
        self._wanted = end_index - start_index

    def get_next(self) -> dict[str, Array] | None:
        """The next batch by the names of the inputs, or None at the end of the range."""
        if not self._wanted:
            if self._given == self._count:
                next(self._batches, None)  # ends the progress bar
            return None
        self._wanted, self._given = self._wanted - 1, self._given + 1
        return dict(zip(self._names, next(self._batches), strict=True))
