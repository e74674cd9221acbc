"""NNCF's post-training quantization, OpenVINO's own, written as ONNX.

Ranges are observed on calibration images; then each layer's bias is moved by the mean error
that the rounding of its weights causes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import nncf
import numpy as np
import onnx
from numpy.typing import NDArray
from pydantic import Field

from quantbench.checkpoint import Checkpoint, float_model
from quantbench.contracts import Track
from quantbench.environment import environment, has_vnni
from quantbench.methods._calibration import (
    CalibrationSettings,
    calibration_inputs,
    refuse_nonfinite,
)
from quantbench.methods._onnx import INPUT, MODEL, export, hushed, structure_of, write
from quantbench.methods._onnx_layers import layer_numerics, summary
from quantbench.records import Quantized
from quantbench.structure import layers
from quantbench.task import Task

FORMATS = ("onnx",)
LIBRARIES = ("torch", "onnx", "onnxscript", "onnxruntime", "nncf")

OverflowFix = Literal["enable", "first_layer_only", "disable"]


def _overflow_fix() -> OverflowFix:
    """Without VNNI two products of u8 and s8 are added in 16 bits, which 7-bit weights fit."""
    return "disable" if has_vnni(environment()) else "enable"


class NncfSettings(CalibrationSettings):
    """`preset` mixed: activations that can be negative get a zero point; performance: none does."""

    preset: Literal["mixed", "performance"] = "mixed"
    fast_bias_correction: bool = True
    overflow_fix: OverflowFix = Field(
        default_factory=_overflow_fix, description="whose weights get 7 bits"
    )


SETTINGS = NncfSettings


def unavailable() -> str | None:
    return None


def quantize(
    task: Task,
    checkpoint: Checkpoint,
    settings: NncfSettings,
    format: str,
    folder: Path,
    track: Track,
) -> Quantized:
    model = float_model(task, checkpoint)
    inputs = calibration_inputs(task, settings)
    refuse_nonfinite(model, inputs)
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "float.onnx"
        export(model, task.input_shape, source)
        with hushed():
            quantized = nncf.quantize(
                onnx.load(source),
                nncf.Dataset(_Images(inputs, track)),
                preset=nncf.QuantizationPreset(settings.preset),
                subset_size=len(inputs),
                fast_bias_correction=settings.fast_bias_correction,
                advanced_parameters=nncf.AdvancedQuantizationParameters(
                    overflow_fix=nncf.OverflowFix(settings.overflow_fix)
                ),
            )
    proto = write(quantized, folder / MODEL)
    told = layer_numerics(proto, layers(model, task.input_shape))
    return Quantized(
        numerics=summary(told),
        layers=told,
        structure=structure_of(proto),
        notes=(
            f"calibrated on {len(inputs)} images, preset {settings.preset}, "
            f"bias correction {'fast' if settings.fast_bias_correction else 'full'}",
        ),
    )


class _Images:
    """Each pass over the images is shown, and ends with the last: NNCF asks for no more."""

    def __init__(self, inputs: NDArray[np.float32], track: Track) -> None:
        self._inputs = inputs
        self._track = track

    def __iter__(self) -> Iterator[dict[str, NDArray[np.float32]]]:
        count = len(self._inputs)
        for image in self._track(self._inputs, "calibrating", count):
            yield {INPUT: image[None]}
