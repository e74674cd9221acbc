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
from quantbench.methods._calibration import CalibrationSettings, calibration_inputs
from quantbench.methods._pt2e import PT2ESettings
from quantbench.records import Quantized
from quantbench.task import Task

FORMATS = _pt2e.FORMATS
LIBRARIES = _pt2e.LIBRARIES
_BATCH = 100


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
    graph = _pt2e.prepared(model, task.input_shape, reduce_range=settings.reduce_range, train=False)
    _pt2e.require_eval(graph, "preparation")
    inputs = torch.from_numpy(calibration_inputs(task, settings))
    _calibrate(graph, inputs, track)
    notes = (f"calibrated on {len(inputs)} images, observer histogram",)
    return _pt2e.written(
        model, _pt2e.converted(graph), task.input_shape, format, folder, settings, notes
    )


def _calibrate(graph: fx.GraphModule, inputs: Tensor, track: Track) -> None:
    """Raises CalibrationError at a value that isn't finite, or an observer that saw none."""
    observers = {
        str(node.target): _pt2e.layer_of(node.args[0])
        for node in graph.graph.nodes
        if node.op == "call_module" and isinstance(node.args[0], fx.Node)
    }
    seen: set[str] = set()
    hooks = [
        graph.get_submodule(name).register_forward_pre_hook(partial(_check, layer, seen))
        for name, layer in observers.items()
    ]
    batches = inputs.split(_BATCH)
    with torch.no_grad():
        for batch in track(batches, "calibrating", len(batches)):
            graph(batch)
    for hook in hooks:
        hook.remove()
    if unseen := sorted(set(observers.values()) - seen):
        raise CalibrationError(f"'{unseen[0]}' saw no calibration data: no image reached it")


def _check(layer: str, seen: set[str], observer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    seen.add(layer)
    finite = inputs[0].isfinite()
    if not finite.all():
        first = int((~finite).nonzero()[0][0])
        raise CalibrationError(
            f"layer '{layer}' gives a value that isn't finite (place {first} of a calibration "
            "batch or of its weights); check the weights and the images"
        )
