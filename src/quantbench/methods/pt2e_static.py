"""torchao's static quantization of an exported graph (PT2E), as Inductor's int8 kernels want it.

Each layer's inputs are observed on calibration images. The graph is written for torch.compile
as a .pt2 file, and as ONNX with quantizing and dequantizing nodes (QDQ) for other engines.
"""

from __future__ import annotations

from pathlib import Path

import torch

from quantbench.export import pt2e
from quantbench.export.calibration import CalibrationSettings, calibration_inputs, refuse_nonfinite
from quantbench.export.needs import torchao as unavailable  # noqa: F401 - the contract's
from quantbench.export.pt2e import PT2ESettings
from quantbench.numerics.coverage import Quantized
from quantbench.system.progress import Progress
from quantbench.tasks.task import Task
from quantbench.training.checkpoint import Checkpoint, float_model

FORMATS = pt2e.FORMATS
LIBRARIES = pt2e.LIBRARIES


class PT2EStaticSettings(PT2ESettings, CalibrationSettings):
    pass


SETTINGS = PT2EStaticSettings


def quantize(
    task: Task,
    checkpoint: Checkpoint,
    settings: PT2EStaticSettings,
    format: str,
    folder: Path,
    progress: Progress,
) -> Quantized:
    model = float_model(task, checkpoint)
    inputs = calibration_inputs(task, settings)
    refuse_nonfinite(model, inputs)
    graph = pt2e.prepared(model, task.input_shape, reduce_range=settings.reduce_range, train=False)
    pt2e.require_eval(graph, "preparation")
    pt2e.calibrate(graph, torch.from_numpy(inputs), progress)
    notes = (f"calibrated on {len(inputs)} images, observer histogram",)
    return pt2e.written(
        model, pt2e.converted(graph), task.input_shape, format, folder, settings, notes
    )
