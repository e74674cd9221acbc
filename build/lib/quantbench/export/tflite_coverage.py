"""Coverage of a TensorFlow Lite file, read from its operators and their tensors."""

from __future__ import annotations

import numpy as np

from quantbench.artifacts.tflite_file import (
    MODEL,
    TfliteGraph,
    TfliteOperator,
    TfliteTensor,
    read_graph,
)
from quantbench.contracts import Files, MethodModule, QuantizeJob
from quantbench.numerics.coverage import LayerNumerics, Reading
from quantbench.numerics.formats import FLOAT32, NumberFormat, bits_of_range
from quantbench.system.record import Settings
from quantbench.tasks.records import Layer
from quantbench.tasks.tflite_layers import WEIGHTS, layers_of

_TYPES = {
    "INT4": (4, True), "INT8": (8, True), "UINT8": (8, False), "INT16": (16, True),
}  # fmt: skip
"""Type of quantized values -> bits, signed."""
_DYNAMIC = NumberFormat(bits=8, symmetric=None, scaling="dynamic")


def read(
    job: QuantizeJob[Settings],
    files: Files,
    method: MethodModule,  # noqa: ARG001 - the contract's
) -> Reading:
    """Read each layer's formats. Raises ArtifactError for a file that LiteRT can't load."""
    graph = read_graph(job.folder / MODEL)
    why = files.why_float
    layers = []
    for layer, operator in layers_of(graph):
        if layer.macs:
            numerics = _numerics(graph, layer, operator)
            reason = why(layer.kind) if why and not numerics.integer else None
            layers.append(numerics if reason is None else numerics.left_float(reason))
    return Reading(tuple(layers), _structure(graph))


def _numerics(graph: TfliteGraph, layer: Layer, operator: TfliteOperator) -> LayerNumerics:
    """The formats of one operator that multiplies.

    Weights of integers beside float32 activations are multiplied as integers, too: LiteRT's kernels
    quantize the activations at run time.
    """
    place = operator.inputs[2 if operator.kind == "TRANSPOSE_CONV" else 0]
    read, weights = graph.tensors[place], graph.tensors[operator.inputs[WEIGHTS[operator.kind]]]
    output = graph.tensors[operator.outputs[0]]
    by = _format(weights)
    if by is None:
        return LayerNumerics.in_float32(layer.name, layer.kind, layer.macs, _why_float(weights))
    stored = weights.data is not None
    activations = _format(read) or (_DYNAMIC if stored and read.dtype == "FLOAT32" else FLOAT32)
    if activations == FLOAT32:
        reason = f"its input is {read.dtype.lower()}"
        return LayerNumerics.in_float32(layer.name, layer.kind, layer.macs, reason)
    single = len(output.scales) == 1
    return LayerNumerics(
        name=layer.name,
        kind=layer.kind,
        macs=layer.macs,
        integer=True,
        weights=(by,),
        activations=(activations,),
        scale=output.scales[0] if single else None,
        zero_point=output.zero_points[0] if single and output.zero_points else None,
    )


def _why_float(weights: TfliteTensor) -> str:
    if weights.data is None:
        return "what it multiplies by is computed in float32"
    return f"its weights are {weights.dtype.lower()}"


def _format(tensor: TfliteTensor) -> NumberFormat | None:
    """The number format of a quantized tensor; None for one that isn't."""
    if tensor.dtype not in _TYPES or not tensor.scales:
        return None
    bits, signed = _TYPES[tensor.dtype]
    several = len(tensor.scales) > 1
    return NumberFormat(
        bits=bits,
        signed=signed,
        granularity="channel" if several else "tensor",
        axis=tensor.axis if several else None,
        symmetric=not any(tensor.zero_points),
        used_bits=_used_bits(tensor),
    )


def _used_bits(tensor: TfliteTensor) -> int | None:
    """Bits of the stored integers that occur; None for what is computed."""
    if tensor.data is None or tensor.dtype == "INT4":  # two to a byte: not looked into
        return None
    values = np.frombuffer(tensor.data, tensor.dtype.lower())
    return bits_of_range(int(values.min()), int(values.max()), signed=_TYPES[tensor.dtype][1])


def _structure(graph: TfliteGraph) -> str:
    """The graph as text: operator, and the name, type and shape of its first output."""
    lines = []
    for operator in graph.operators:
        output = graph.tensors[operator.outputs[0]] if operator.outputs else None
        told = f"{output.name} {output.dtype.lower()} {list(output.shape)}" if output else ""
        lines.append(f"{operator.kind} {told}".rstrip())
    return "\n".join(lines)
