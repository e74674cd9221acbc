"""A network's own file, copied: what is measured as it was given."""

from __future__ import annotations

from quantbench.artifacts import tflite_file
from quantbench.contracts import Files, QuantizeJob
from quantbench.errors import UnavailableError
from quantbench.export import to_onnx, to_program, to_tflite
from quantbench.numerics.coverage import Kind
from quantbench.system.record import Settings
from quantbench.tasks.network import Network

FORMATS = ("onnx", "pt2", "tflite")
LIBRARIES = ("torch", "onnx", "ai-edge-litert")


def copy_given(job: QuantizeJob[Settings]) -> Files:
    """Copy the network into the job's folder.

    Raises UnavailableError for the format that it didn't come in.
    """
    network = job.network
    came = _format_of(network)
    if job.format != came:
        raise UnavailableError(
            f"network '{network.name}' came as {came}: there is no {job.format} of it as given"
        )
    if network.tflite is not None:
        to_tflite.copy(network, job.folder / tflite_file.MODEL)
    elif network.onnx is not None:
        (job.folder / to_onnx.MODEL).write_bytes(to_onnx.given(network.onnx, network.fixed_batch))
    else:
        from quantbench.artifacts.pt2_file import write_program

        program = to_program.exported(network.module(), network)
        write_program(job.folder / to_program.MODEL, program)
    kind: Kind = "real" if network.quantized else "float"
    return Files(kind=kind, notes=("measured as it was given",), why_float=_why_float)


def _format_of(network: Network) -> str:
    if network.tflite is not None:
        return "tflite"
    return "pt2" if network.onnx is None else "onnx"


def _why_float(kind: str) -> str:  # noqa: ARG001
    return "it is float32 in the file that was given"
