"""The network as it was trained: the baseline of every comparison."""

from __future__ import annotations

from torch import nn

from quantbench.artifacts.state_file import STATE, write_state
from quantbench.contracts import Files, QuantizeJob, Skeleton
from quantbench.export import to_executorch
from quantbench.export.to_onnx import MODEL, export
from quantbench.system.record import Settings

FORMATS = ("state_dict", "pt2", "onnx", "executorch")
LIBRARIES = ("torch", "onnx", "onnxscript", "executorch")
SETTINGS = Settings


def quantize(job: QuantizeJob[Settings]) -> Files:
    model = job.network()
    outside: dict[str, str] = {}
    if job.format == "state_dict":
        write_state(job.folder / STATE, model.state_dict())
    elif job.format == "pt2":
        # Reading programs back needs parts of PyTorch that float32 in other formats does without.
        from quantbench.artifacts.pt2_file import write_program
        from quantbench.export import to_program

        program = to_program.exported(model, job.input_shape)
        write_program(job.folder / to_program.MODEL, program)
    elif job.format == "executorch":
        outside = to_executorch.lower(model, job.input_shape, job.folder / to_executorch.MODEL)
    else:
        export(model, job.input_shape, job.folder / MODEL)
    return Files(kind="float", notes=to_executorch.note(outside), why_float=_why_float)


def _why_float(kind: str) -> str:
    return "nothing was asked to be quantized"


def skeleton(float_model: nn.Module, settings: Settings) -> Skeleton:
    return Skeleton(float_model)
