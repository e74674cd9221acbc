"""The network as it was trained: the baseline of every comparison."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from quantbench.artifacts.state_file import STATE, write_state
from quantbench.export import to_executorch
from quantbench.export.to_onnx import export
from quantbench.numerics.coverage import LayerNumerics, Quantized
from quantbench.system.progress import Progress
from quantbench.system.record import Settings
from quantbench.tasks.layers import layers
from quantbench.tasks.task import Task
from quantbench.training.checkpoint import Checkpoint, float_model

FORMATS = ("torch", "pt2", "onnx", "executorch")
LIBRARIES = ("torch", "onnx", "onnxscript", "executorch")
SETTINGS = Settings


def unavailable() -> str | None:
    return None


def quantize(
    task: Task,
    checkpoint: Checkpoint,
    settings: Settings,
    format: str,
    folder: Path,
    progress: Progress,
) -> Quantized:
    model = float_model(task, checkpoint)
    outside: dict[str, str] = {}
    if format == "torch":
        write_state(folder / STATE, model.state_dict())
    elif format == "pt2":
        # Reading programs back needs parts of PyTorch that float32 in other formats does without.
        from quantbench.artifacts.pt2_file import write_program
        from quantbench.export.to_program import exported

        write_program(folder / "model.pt2", exported(model, task.input_shape))
    elif format == "executorch":
        outside = to_executorch.lower(model, task.input_shape, folder / to_executorch.MODEL)
    else:
        export(model, task.input_shape, folder / "model.onnx")
    return Quantized(
        numerics="float32",
        kind="float",
        structure=str(model),
        notes=to_executorch.note(outside),
        layers=tuple(
            LayerNumerics(
                name=layer.name,
                kind=layer.kind,
                macs=layer.macs,
                integer=False,
                weights="float32",
                activations="float32",
                reason="nothing was asked to be quantized",
            )
            for layer in layers(model, task.input_shape)
            if layer.macs
        ),
    )


def skeleton(float_model: nn.Module, settings: Settings) -> nn.Module:
    return float_model
