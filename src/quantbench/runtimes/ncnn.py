"""ncnn on the CPU, one sample at a time: its networks know no batch."""

from __future__ import annotations

import json

import ncnn
import numpy as np

from quantbench.artifacts.artifact import Artifact
from quantbench.contracts import Predict
from quantbench.errors import ArtifactError, PredictionError
from quantbench.export.batching import answer
from quantbench.export.to_ncnn import PARAM, SHAPES, WEIGHTS
from quantbench.samples.records import Array, Arrays
from quantbench.system.silence import silenced_natively

ACCEPTS = frozenset({"ncnn"})
LIBRARIES = ("ncnn",)
_HALVES = (
    "use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic",
    "use_bf16_packed", "use_bf16_storage",
)  # fmt: skip
"""Options by which float32 layers would run in 16 bits where the CPU has them."""


def opened(artifact: Artifact, threads: int) -> ncnn.Net:
    """The network, in float32. Raises ArtifactError for files that ncnn can't load."""
    network = ncnn.Net()
    network.opt.num_threads = threads
    network.opt.use_vulkan_compute = False
    for name in _HALVES:
        setattr(network.opt, name, False)
    with silenced_natively():  # it says on standard error what it can't read
        failed = network.load_param(str(artifact.folder / PARAM)) or network.load_model(
            str(artifact.folder / WEIGHTS)
        )
    if failed:
        raise ArtifactError(f"ncnn can't load {artifact.folder / PARAM}; quantize again")
    return network


def inputs_of(network: ncnn.Net) -> list[str]:
    """The names of the inputs, in the network's order."""
    return sorted(network.input_names(), key=_number)


def load(artifact: Artifact, threads: int) -> Predict:
    """Load the model. Raises ArtifactError for files that ncnn can't load."""
    network = opened(artifact, threads)
    inputs = inputs_of(network)
    outputs = sorted(network.output_names(), key=_number)
    shapes = json.loads((artifact.folder / SHAPES).read_bytes())

    def predict(*arrays: Array) -> Array | Arrays:
        held = [np.ascontiguousarray(array) for array in arrays]
        rows = [_one(network, inputs, outputs, [a[i] for a in held]) for i in range(len(held[0]))]
        columns = zip(shapes, *rows, strict=True)
        return answer([np.stack(column).reshape(len(rows), *shape) for shape, *column in columns])

    return predict


def _number(name: str) -> int:
    """The place of an input or output, from the name that pnnx gave it: in0, out11."""
    return int(name.lstrip("inout"))


def _one(
    network: ncnn.Net, inputs: list[str], outputs: list[str], sample: list[Array]
) -> list[Array]:
    """The outputs for one sample. Raises PredictionError where a layer fails."""
    with network.create_extractor() as extractor:
        for name, array in zip(inputs, sample, strict=True):
            extractor.input(name, ncnn.Mat(array))
        found = []
        for name in outputs:
            failed, value = extractor.extract(name)
            if failed:
                raise PredictionError(f"can't be run by ncnn: output '{name}' failed ({failed})")
            found.append(np.array(value))
    return found
