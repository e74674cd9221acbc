"""NNCF's post-training quantization, OpenVINO's own, written as ONNX.

Ranges are observed on calibration images. By NNCF's own defaults the range is the mean of the
images' ranges, which clips what lies outside, and each layer's bias is moved by the mean error
that rounding causes, taken from the mean image, which errs where images have structure. Both
cost accuracy on every kind of network that docs/measuring.md lists, so neither is the default.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import nncf
import numpy as np
import onnx
from nncf.quantization.range_estimator import RangeEstimatorParametersSet
from numpy.typing import NDArray
from pydantic import Field

from quantbench.contracts import Files, QuantizeJob
from quantbench.export.calibration import (
    BATCH,
    CalibrationSettings,
    calibration_inputs,
    refuse_nonfinite,
)
from quantbench.export.ort_quantizer import float_onnx, left_float
from quantbench.export.to_onnx import INPUT, MODEL, write
from quantbench.system.machine import environment, has_vnni
from quantbench.system.progress import Progress
from quantbench.system.silence import silenced
from quantbench.tasks.layers import layers

FORMATS = ("onnx",)
LIBRARIES = ("torch", "onnx", "onnxscript", "onnxruntime", "nncf")

OverflowFix = Literal["enable", "first_layer_only", "disable"]
_RANGES = {
    "widest": RangeEstimatorParametersSet.MINMAX,
    "mean": RangeEstimatorParametersSet.MEAN_MINMAX,
}


def _overflow_fix() -> OverflowFix:
    """The default: 7-bit weights without VNNI, where two u8 x s8 products are added in 16 bits."""
    return "disable" if has_vnni(environment()) else "enable"


class NncfSettings(CalibrationSettings):
    """The settings of NNCF's quantization.

    `preset`: with "mixed", activations that can be negative get a zero point; with "performance"
    none do.
    """

    preset: Literal["mixed", "performance"] = "mixed"
    ranges: Literal["widest", "mean"] = Field(
        "widest", description="of what batches give: the widest, or the mean, which clips"
    )
    bias_correction: Literal["none", "fast", "full"] = "none"
    overflow_fix: OverflowFix = Field(
        default_factory=_overflow_fix, description="whose weights get 7 bits"
    )


SETTINGS = NncfSettings


def quantize(job: QuantizeJob[NncfSettings]) -> Files:
    model = job.network()
    inputs = calibration_inputs(job)
    refuse_nonfinite(model, inputs)
    batches = _Batches(inputs, job.progress)
    with tempfile.TemporaryDirectory(dir=job.folder) as scratch:
        source = Path(scratch) / "float.onnx"
        float_onnx(model, job.input_shape, source)
        with silenced():
            quantized = nncf.quantize(
                onnx.load(source),
                nncf.Dataset(batches),
                preset=nncf.QuantizationPreset(job.settings.preset),
                subset_size=batches.count,
                fast_bias_correction=job.settings.bias_correction != "full",
                advanced_parameters=nncf.AdvancedQuantizationParameters(
                    overflow_fix=nncf.OverflowFix(job.settings.overflow_fix),
                    activations_range_estimator_params=_RANGES[job.settings.ranges],
                    disable_bias_correction=job.settings.bias_correction == "none",
                ),
            )
    path = job.folder / MODEL
    written = write(quantized, path)
    runtime_floats = left_float(path, written, layers(job.network(), job.input_shape))
    settings = job.settings
    return Files(
        notes=(
            f"calibrated on {len(inputs)} images, preset {settings.preset}, "
            f"{settings.ranges} ranges, bias correction: {settings.bias_correction}",
            *(
                f"ONNX Runtime runs layer '{name}' in float32 all the same"
                for name in runtime_floats
            ),
        ),
    )


class _Batches:
    """The calibration batches, which may be iterated several times.

    NNCF never asks for an item after the last batch, so each batch is yielded one late: the last
    follows when the progress bar has ended.
    """

    def __init__(self, inputs: NDArray[np.float32], progress: Progress) -> None:
        self._batches = [inputs[at : at + BATCH] for at in range(0, len(inputs), BATCH)]
        self._progress = progress

    @property
    def count(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[dict[str, NDArray[np.float32]]]:
        given: list[NDArray[np.float32]] = []
        for batch in self._progress.each(self._batches, "calibrating", self.count):
            yield from ({INPUT: earlier} for earlier in given)
            given = [batch]
        yield from ({INPUT: last} for last in given)
