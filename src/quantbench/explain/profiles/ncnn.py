"""ncnn, asked for the output of one layer after the other: each request runs one layer."""

from __future__ import annotations

import time
from pathlib import Path

import ncnn
import numpy as np

from quantbench.artifacts.artifact import Artifact
from quantbench.explain.profiling.operators import WARM, Operator, Profile, Profiled
from quantbench.explain.records import Part
from quantbench.runtimes.ncnn import inputs_of, opened
from quantbench.samples.records import Array, Arrays

PROFILER = "ncnn, asked layer by layer"
RESOLUTION = 0.0
_FLOAT = (
    "Convolution", "Deconvolution", "InnerProduct", "Gemm", "MatMul", "LSTM", "GRU", "RNN",
    "MultiHeadAttention", "SDPA", "Einsum",
)  # fmt: skip
_CONVERSION = ("Quantize", "Dequantize", "Requantize", "Cast", "Packing")


def start(artifact: Artifact, threads: int, inputs: Arrays, folder: Path) -> Profiled:
    """Load the network, and ask for each layer's output in turn.

    The package of ncnn is built without its own benchmark. An extractor keeps what it has computed,
    so that a request takes the time of one layer, and a second one for the same output that of
    handing it over, which is subtracted.
    """
    network = opened(artifact, threads)
    names, blobs = inputs_of(network), [blob.name for blob in network.blobs()]
    layers = [layer for layer in network.layers() if layer.type != "Input"]
    ends = [blobs[layer.tops[-1]] for layer in layers]
    computed, handed = list[list[float]](), list[list[float]]()

    def predict(*arrays: Array) -> object:
        both = np.zeros((2, len(ends)))
        for sample in range(len(arrays[0])):
            with network.create_extractor() as extractor:
                for name, array in zip(names, arrays, strict=True):
                    extractor.input(name, ncnn.Mat(np.ascontiguousarray(array[sample])))
                for place, name in enumerate(ends):
                    for request in both:
                        began = time.perf_counter_ns()
                        extractor.extract(name)
                        request[place] += (time.perf_counter_ns() - began) / 1e3
        computed.append([*both[0]])
        handed.append([*both[1]])
        return None

    def finish() -> Profile:
        operators = tuple(_operator(layer.name, layer.type) for layer in layers)
        return Profile(operators, layer_times(np.array(computed), np.array(handed)))

    return Profiled(predict, finish)


def layer_times(computed: Array, handed: Array) -> Array:
    """Microseconds [calls, layers] of the layers alone, without the warming calls.

    `computed`, `handed`: of the first and of the second request for each output. Handing over takes
    the least that it took in any call: other programs only ever make it longer.
    """
    return np.asarray(np.maximum(computed[WARM:] - handed[WARM:].min(axis=0), 0.0))


def _operator(name: str, kind: str) -> Operator:
    return Operator(name=name, kind=kind, part=_part(kind), sources=(name,))


def _part(kind: str) -> Part:
    """The part of a layer's type; the files that are written for ncnn hold float32 alone."""
    if kind.startswith(_CONVERSION):
        return "conversion"
    return "float" if kind.startswith(_FLOAT) else "other"
