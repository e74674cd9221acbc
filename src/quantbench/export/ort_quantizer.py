"""ONNX Runtime's quantizers: code that the methods using them share."""

from __future__ import annotations

import platform
import tempfile
from pathlib import Path
from typing import TypeVar

import onnx
import onnxruntime as ort
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn

from quantbench.contracts import Files, QuantizeJob
from quantbench.export.onnx_coverage import layer_numerics, run_in_integers
from quantbench.export.to_onnx import MODEL, export, write
from quantbench.numerics.coverage import LayerNumerics
from quantbench.numerics.formats import activations_text, joined, weights_text
from quantbench.system.machine import environment, has_vnni
from quantbench.system.record import Settings
from quantbench.system.silence import silenced
from quantbench.tasks.layers import layers
from quantbench.tasks.records import Layer

S = TypeVar("S", bound=Settings)


def saturates_here(weights: str) -> bool:
    """Whether this CPU may clip the sum of two products of uint8 with 8-bit `weights`.

    ONNX Runtime multiplies uint8 with int8 by VPMADDUBSW where x86 has no VNNI, which adds two
    products in 16 bits; int8 activations become uint8 first. It widens uint8 weights to 16
    bits before it multiplies, so they are exact.
    """
    if weights != "int8" or platform.machine() not in ("x86_64", "AMD64"):
        return False
    return not has_vnni(environment())


def float_onnx(model: nn.Module, input_shape: tuple[int, ...], path: Path) -> None:
    """Write the float network as the quantizers need it: batch norms folded, shapes inferred."""
    export(model, input_shape, path)
    with silenced():
        quant_pre_process(path, path, skip_symbolic_shape=True)


def finished(job: QuantizeJob[S], written: Path, notes: tuple[str, ...] = ()) -> Files:
    """Write a quantizer's file to the job's folder, and find what ONNX Runtime runs in float32."""
    path = job.folder / MODEL
    model = write(onnx.load(written), path)
    float_layers = layers(job.network(), job.input_shape)
    return Files(notes=notes, left_float=left_float(path, model, float_layers))


def left_float(
    path: Path, model: onnx.ModelProto, float_layers: tuple[Layer, ...]
) -> dict[str, str]:
    """Layer -> why ONNX Runtime multiplies it in float32, though `model` holds it as integers.

    Only products that match one of ONNX Runtime's rules run on integers, so its own optimized graph
    is inspected.
    """
    integer = run_in_integers(_optimized(path), float_layers)
    return {
        layer.name: _why(layer)
        for layer in layer_numerics(model, float_layers)
        if layer.integer and layer.name not in integer
    }


def _optimized(path: Path) -> onnx.ModelProto:
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        options = ort.SessionOptions()
        options.optimized_model_filepath = str(Path(folder) / "optimized.onnx")
        options.intra_op_num_threads = 1
        options.log_severity_level = 3  # silences a warning that the file is for this CPU only
        ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return onnx.load(options.optimized_model_filepath)


def _why(layer: LayerNumerics) -> str:
    weights = joined(map(weights_text, layer.weights))
    activations = joined(map(activations_text, layer.activations))
    return (
        f"ONNX Runtime {ort.__version__} has no integer kernel for it as written "
        f"({weights}, activations {activations}): it turns its {weights} weights back into float32"
    )
