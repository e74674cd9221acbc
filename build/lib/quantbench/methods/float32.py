"""The network as it was trained: the baseline of every comparison."""

from __future__ import annotations

from collections.abc import Collection

from torch import nn

from quantbench.artifacts import tflite_file
from quantbench.artifacts.state_file import STATE, write_state
from quantbench.contracts import Files, QuantizeJob, Skeleton
from quantbench.export import to_executorch, to_mnn, to_ncnn, to_tflite
from quantbench.export.rebuild import written_module
from quantbench.export.to_onnx import MODEL, export, given
from quantbench.system.record import Settings

FORMATS = ("state_dict", "pt2", "onnx", "executorch", "tflite", "ncnn", "mnn")
TAKES_ONNX = True
LIBRARIES = (
    "torch", "onnx", "onnxscript", "executorch", "ai-edge-litert", "ncnn", "pnnx", "mnn"
)  # fmt: skip
SETTINGS = Settings


def quantize(job: QuantizeJob[Settings]) -> Files:
    network = job.network
    outside: dict[str, str] = {}
    if job.format == "state_dict":
        write_state(job.folder / STATE, written_module(job).state_dict())
    elif job.format == "pt2":
        # Reading programs back needs parts of PyTorch that float32 in other formats does without.
        from quantbench.artifacts.pt2_file import write_program
        from quantbench.export import to_program

        program = to_program.exported(network.module(), network)
        write_program(job.folder / to_program.MODEL, program)
    elif job.format == "executorch":
        outside = to_executorch.lower(network.module(), network, job.folder / to_executorch.MODEL)
    elif job.format == "tflite":
        to_tflite.copy(network, job.folder / tflite_file.MODEL)
    elif job.format == "ncnn":
        to_ncnn.convert(network, job.folder)
    elif job.format == "mnn":
        to_mnn.convert(network, job.folder / to_mnn.MODEL)
    elif network.onnx is not None:
        (job.folder / MODEL).write_bytes(given(network.onnx, network.fixed_batch))
    else:
        export(network.module(), network, job.folder / MODEL)
    return Files(kind="float", notes=to_executorch.note(outside), why_float=_why_float)


def _why_float(kind: str) -> str:
    return "nothing was asked to be quantized"


def skeleton(float_model: nn.Module, settings: Settings, stored: Collection[str]) -> Skeleton:
    return Skeleton(float_model)
