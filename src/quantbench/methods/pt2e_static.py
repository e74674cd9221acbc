"""torchao's static quantization of an exported graph (PT2E), as Inductor's int8 kernels want it.

Each layer's inputs are observed on calibration images. The graph is written for torch.compile
as a .pt2 file, and as ONNX with quantizing and dequantizing nodes (QDQ) for other engines.
"""

from __future__ import annotations

from pathlib import Path

import torch

from quantbench.checkpoint import Checkpoint, float_model
from quantbench.contracts import Track
from quantbench.methods import _pt2e
from quantbench.methods._calibration import (
    CalibrationSettings,
    calibration_inputs,
    refuse_nonfinite,
)
from quantbench.methods._needs import torchao as unavailable  # noqa: F401 - the contract's
from quantbench.methods._pt2e import PT2ESettings
from quantbench.records import Quantized
from quantbench.task import Task

FORMATS = _pt2e.FORMATS
LIBRARIES = _pt2e.LIBRARIES


class PT2EStaticSettings(PT2ESettings, CalibrationSettings):
    pass


SETTINGS = PT2EStaticSettings


def quantize(
    task: Task,
    checkpoint: Checkpoint,
    settings: PT2EStaticSettings,
    format: str,
    folder: Path,
    track: Track,
) -> Quantized:
    model = float_model(task, checkpoint)
    inputs = calibration_inputs(task, settings)
    refuse_nonfinite(model, inputs)
    graph = _pt2e.prepared(model, task.input_shape, reduce_range=settings.reduce_range, train=False)
    _pt2e.require_eval(graph, "preparation")
    _pt2e.calibrate(graph, torch.from_numpy(inputs), track)
    notes = (f"calibrated on {len(inputs)} images, observer histogram",)
    return _pt2e.written(
        model, _pt2e.converted(graph), task.input_shape, format, folder, settings, notes
    )
