"""NNCF's post-training quantization, OpenVINO's own, written as ONNX.

Ranges are observed on calibration samples. By NNCF's own defaults the range is the mean of the
samples' ranges, which clips what lies outside, and each layer's bias is moved by the mean error
that rounding causes, taken from the mean sample, which errs where samples have structure. Both
cost accuracy on every kind of network that docs/measuring.md lists, so neither is the default.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import nncf
import onnx
from nncf.quantization.range_estimator import RangeEstimatorParametersSet
from pydantic import Field

from quantbench.contracts import Files, QuantizeJob
from quantbench.export.calibration import Batches, CalibrationSettings, calibration_batches
from quantbench.export.float_nodes import nodes_left_float
from quantbench.export.kept_float import kept_float
from quantbench.export.leave_float import LeaveFloatSettings
from quantbench.export.ort_quantizer import float_onnx, input_names, left_float, require_finite
from quantbench.export.refusal import refusing
from quantbench.export.to_onnx import MODEL, write
from quantbench.samples.records import Array
from quantbench.system.machine import environment, has_vnni
from quantbench.system.progress import Progress
from quantbench.system.silence import silenced

FORMATS = ("onnx",)
QUANTIZES = (
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "Linear",
    "MultiheadAttention",
    "Conv",
    "Gemm",
    "MatMul",
)
TAKES_ONNX = True
LIBRARIES = ("torch", "onnx", "onnxscript", "onnxruntime", "nncf")

OverflowFix = Literal["enable", "first_layer_only", "disable"]
_RANGES = {
    "widest": RangeEstimatorParametersSet.MINMAX,
    "mean": RangeEstimatorParametersSet.MEAN_MINMAX,
}


def _overflow_fix() -> OverflowFix:
    """The default: 7-bit weights without VNNI, where two u8 x s8 products are added in 16 bits."""
    return "disable" if has_vnni(environment()) else "enable"


class NncfSettings(LeaveFloatSettings, CalibrationSettings):
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
    batches = calibration_batches(job)
    with tempfile.TemporaryDirectory(dir=job.folder) as scratch:
        source = Path(scratch) / "float.onnx"
        float_onnx(job.network, source)
        require_finite(job.network, source, batches)
        model = onnx.load(source)
        excluded = nodes_left_float(model, job.network, job.settings.leave_float)
        feeds = _Feeds(batches, input_names(model), job.progress)
        with silenced(), refusing("NNCF can't quantize the network"):
            quantized = nncf.quantize(
                model,
                nncf.Dataset(feeds),
                preset=nncf.QuantizationPreset(job.settings.preset),
                subset_size=len(batches),
                ignored_scope=nncf.IgnoredScope(names=excluded),
                fast_bias_correction=job.settings.bias_correction != "full",
                advanced_parameters=nncf.AdvancedQuantizationParameters(
                    overflow_fix=nncf.OverflowFix(job.settings.overflow_fix),
                    activations_range_estimator_params=_RANGES[job.settings.ranges],
                    disable_bias_correction=job.settings.bias_correction == "none",
                ),
            )
    path = job.folder / MODEL
    written = write(kept_float(quantized, excluded), path)
    runtime_floats = left_float(path, written, job.network)
    settings = job.settings
    return Files(
        notes=(
            f"calibrated on {batches.samples} samples, preset {settings.preset}, "
            f"{settings.ranges} ranges, bias correction: {settings.bias_correction}",
            *(
                f"ONNX Runtime runs layer '{name}' in float32 all the same"
                for name in runtime_floats
            ),
        ),
    )


class _Feeds:
    """The calibration batches by the names of inputs, which may be iterated several times.

    NNCF never asks for an item after the last batch, so each batch is yielded one late: the last
    follows when the progress bar has ended.
    """

    def __init__(self, batches: Batches, names: list[str], progress: Progress) -> None:
        self._batches = batches
        self._names = names
        self._progress = progress

    def __iter__(self) -> Iterator[dict[str, Array]]:
        held: list[dict[str, Array]] = []
        for inputs in self._progress.each(self._batches, "calibrating", len(self._batches)):
            yield from held
            held = [dict(zip(self._names, inputs, strict=True))]
        yield from held
