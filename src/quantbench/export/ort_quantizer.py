"""ONNX Runtime's quantizers: code that the methods using them share."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import TypeVar

import numpy as np
import onnx
import onnxruntime as ort
from onnxruntime.quantization.shape_inference import quant_pre_process

from quantbench.contracts import Files, QuantizeJob
from quantbench.errors import CalibrationError
from quantbench.export.calibration import Batches, refuse_nonfinite
from quantbench.export.kept_float import kept_float
from quantbench.export.onnx_coverage import layer_numerics, run_in_integers
from quantbench.export.onnx_names import given_weights
from quantbench.export.refusal import refusing
from quantbench.export.to_onnx import MODEL, export, given, write
from quantbench.numerics.coverage import LayerNumerics
from quantbench.numerics.formats import activations_text, joined, weights_text
from quantbench.system.machine import environment, has_vnni
from quantbench.system.record import Settings
from quantbench.system.silence import silenced
from quantbench.tasks.network import Network
from quantbench.tasks.network_layers import network_layers

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


def float_onnx(network: Network, path: Path) -> None:
    """Write the float network as the quantizers need it: batch norms folded, shapes inferred.

    It is the network's own ONNX file where it has one. Each node has a name. Raises
    UnavailableError.
    """
    if network.onnx is not None:
        path.write_bytes(given(network.onnx, network.fixed_batch))
    else:
        export(network.module(), network, path)
    with silenced(), refusing("ONNX Runtime can't prepare the network"):
        quant_pre_process(path, path, skip_symbolic_shape=True)
    model = onnx.load(path)
    if unnamed := [node for node in model.graph.node if not node.name]:
        for node in unnamed:
            node.name = node.output[0]
        onnx.save(model, path)


def input_names(model: onnx.ModelProto) -> list[str]:
    """The names of the inputs that a model is fed, in their order."""
    stored = {tensor.name for tensor in model.graph.initializer}
    return [value.name for value in model.graph.input if value.name not in stored]


def require_finite(network: Network, path: Path, batches: Batches) -> None:
    """Raise CalibrationError where a value of the network isn't finite.

    It names the layer, or the output of a network that is the ONNX file in `path` alone.
    """
    if network.make_module is not None:
        refuse_nonfinite(network.module(), batches)
        return
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]
    for inputs in batches:
        outputs = session.run(None, dict(zip(names, inputs, strict=True)))
        for value, output in zip(session.get_outputs(), outputs, strict=True):
            if not np.isfinite(output).all():
                raise CalibrationError(
                    f"output '{value.name}' has values that aren't finite on the calibration "
                    "samples; check the weights and the samples"
                )


def finished(
    job: QuantizeJob[S],
    written: Path,
    notes: tuple[str, ...] = (),
    floats: Collection[str] = (),
) -> Files:
    """Write a quantizer's file to the job's folder, and find what ONNX Runtime runs in float32.

    `floats`: the names of the nodes that were to stay float.
    """
    path = job.folder / MODEL
    model = write(kept_float(onnx.load(written), floats), path)
    return Files(notes=notes, left_float=left_float(path, model, job.network))


def left_float(path: Path, model: onnx.ModelProto, network: Network) -> dict[str, str]:
    """Layer -> why ONNX Runtime multiplies it in float32, though `model` holds it as integers.

    Only products that match one of ONNX Runtime's rules run on integers, so its own optimized graph
    is inspected.
    """
    layers = network_layers(network)
    renamed = given_weights(network, layers)
    integer = run_in_integers(_optimized(path), layers, renamed)
    return {
        layer.name: _why(layer)
        for layer in layer_numerics(model, layers, renamed)
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
