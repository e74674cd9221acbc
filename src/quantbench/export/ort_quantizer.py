"""What ONNX Runtime's quantizers share."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Iterable
from pathlib import Path

import onnx
import onnxruntime as ort
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn

from quantbench.export.onnx_coverage import layer_numerics, run_in_integers, summary
from quantbench.export.to_onnx import (
    export,
    silenced,
    structure_of,
    write,
)
from quantbench.numerics.coverage import LayerNumerics, Quantized
from quantbench.system.machine import environment, has_vnni
from quantbench.tasks.layers import layers
from quantbench.tasks.records import Layer


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
    """The float network, batch norms folded and shapes inferred, as the quantizers want it."""
    export(model, input_shape, path)
    with silenced():
        quant_pre_process(path, path, skip_symbolic_shape=True)


def finished(
    model: nn.Module,
    input_shape: tuple[int, ...],
    written: Path,
    path: Path,
    notes: tuple[str, ...] = (),
) -> Quantized:
    """Put a quantizer's file at `path`, and say what became of each layer."""
    float_layers = layers(model, input_shape)
    proto = write(onnx.load(written), path)
    told = as_run(path, layer_numerics(proto, float_layers), float_layers)
    return Quantized(
        numerics=summary(told), layers=told, structure=structure_of(proto), notes=notes
    )


def as_run(
    path: Path, told: Iterable[LayerNumerics], float_layers: tuple[Layer, ...]
) -> tuple[LayerNumerics, ...]:
    """`told` without the layers that ONNX Runtime multiplies in float32 all the same.

    What is written between DequantizeLinear and QuantizeLinear runs on integers only where a
    rule of ONNX Runtime matches it, so its own optimized graph is asked.
    """
    integer = run_in_integers(_optimized(path), float_layers)
    return tuple(
        layer if layer.name in integer or not layer.integer else _float_after_all(layer)
        for layer in told
    )


def _optimized(path: Path) -> onnx.ModelProto:
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        options = ort.SessionOptions()
        options.optimized_model_filepath = str(Path(folder) / "optimized.onnx")
        options.intra_op_num_threads = 1
        options.log_severity_level = 3  # it warns that the file suits this CPU alone: so it should
        ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return onnx.load(options.optimized_model_filepath)


def _float_after_all(layer: LayerNumerics) -> LayerNumerics:
    return layer.model_copy(
        update={
            "integer": False,
            "weights": "float32",
            "activations": "float32",
            "reason": f"ONNX Runtime {ort.__version__} has no integer kernel for it as written "
            f"({layer.weights}, activations {layer.activations}): it turns its {layer.weights} "
            "weights back into float32",
        }
    )
