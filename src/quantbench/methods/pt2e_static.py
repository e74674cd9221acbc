"""torchao's static quantization of an exported graph (PT2E), as Inductor's int8 kernels want it.

Each layer's inputs are observed on calibration images. The graph is written for torch.compile
as a .pt2 file, and as ONNX with quantizing and dequantizing nodes (QDQ) for other engines.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch
from torch import Tensor, fx, nn

from quantbench.checkpoint import Checkpoint, float_model
from quantbench.contracts import Track
from quantbench.errors import CalibrationError
from quantbench.methods import _pt2e
from quantbench.methods._calibration import (
    BATCH,
    CalibrationSettings,
    calibration_inputs,
    refuse_nonfinite,
)
from quantbench.methods._pt2e import PT2ESettings
from quantbench.records import Quantized
from quantbench.task import Task

FORMATS = _pt2e.FORMATS
LIBRARIES = _pt2e.LIBRARIES


class PT2EStaticSettings(PT2ESettings, CalibrationSettings):
    pass


SETTINGS = PT2EStaticSettings


def unavailable() -> str | None:
    return _pt2e.why_unavailable()


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
    _calibrate(graph, torch.from_numpy(inputs), track)
    notes = (f"calibrated on {len(inputs)} images, observer histogram",)
    return _pt2e.written(
        model, _pt2e.converted(graph), task.input_shape, format, folder, settings, notes
    )


def _calibrate(graph: fx.GraphModule, inputs: Tensor, track: Track) -> None:
    """Raises CalibrationError if an observer saw no image."""
    observed = {
        str(node.target): _pt2e.layer_of(node.args[0])
        for node in graph.graph.nodes
        if node.op == "call_module" and isinstance(node.args[0], fx.Node)
    }
    seen: set[str] = set()
    hooks = [
        graph.get_submodule(name).register_forward_pre_hook(partial(_note, name, seen))
        for name in observed
    ]
    batches = inputs.split(BATCH)
    with torch.no_grad():
        for batch in track(batches, "calibrating", len(batches)):
            graph(batch)
    for hook in hooks:
        hook.remove()
    if unseen := [layer for name, layer in observed.items() if name not in seen]:
        raise CalibrationError(f"'{unseen[0]}' saw no calibration data: no image reached it")


def _note(name: str, seen: set[str], observer: nn.Module, inputs: object) -> None:
    seen.add(name)
