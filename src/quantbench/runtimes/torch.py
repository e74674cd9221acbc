"""PyTorch in eager mode."""

from __future__ import annotations

import torch
from torch import Tensor

from quantbench.artifacts.artifact import Artifact
from quantbench.contracts import Predict
from quantbench.export.batching import answer
from quantbench.export.loaded import engine_of, loaded
from quantbench.samples.records import Array, Arrays
from quantbench.tasks.layers import tensors

ACCEPTS = frozenset({"state_dict"})
LIBRARIES = ("torch",)


def load(artifact: Artifact, threads: int) -> Predict:
    """Build the module that the method converted, and fill it from the state_dict.

    Raises ArtifactError where the stored settings or the state don't fit.
    """
    engine = engine_of(artifact)
    torch.set_num_threads(threads)
    torch.backends.quantized.engine = engine  # loading packs the weights for this engine
    module = loaded(artifact).module

    def predict(*inputs: Array) -> Array | Arrays:
        if torch.backends.quantized.engine != engine:
            torch.backends.quantized.engine = engine
        with torch.inference_mode():
            output = module(*map(torch.from_numpy, inputs))
            if isinstance(output, Tensor):
                return output.numpy()
            return answer([tensor.numpy() for tensor in tensors(output)])

    return predict
