"""PyTorch in eager mode."""

from __future__ import annotations

from typing import cast

import torch
from pydantic import ValidationError
from torch import Tensor

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.artifacts.state_file import STATE, fill, read_state
from quantbench.contracts import Predict, StateDictMethodModule
from quantbench.errors import ArtifactError
from quantbench.export.batching import answer
from quantbench.export.rebuild import module_of
from quantbench.samples.records import Array, Arrays
from quantbench.system.silence import silenced
from quantbench.tasks.layers import tensors

ACCEPTS = frozenset({"state_dict"})
LIBRARIES = ("torch",)


def load(artifact: Artifact, threads: int) -> Predict:
    """Build the module that the method converted, and fill it from the state_dict.

    Raises ArtifactError where the stored settings or the state don't fit.
    """
    body = artifact.body
    method = cast(StateDictMethodModule, plugins.method(body.method))
    try:
        settings = method.SETTINGS.model_validate(body.settings)
    except ValidationError as error:
        raise ArtifactError(
            f"{artifact.folder} can't run here: {error.errors()[0]['msg']}; quantize again"
        ) from error
    engine = cast(str, body.settings.get("engine", torch.backends.quantized.engine))
    torch.set_num_threads(threads)
    torch.backends.quantized.engine = engine  # loading packs the weights for this engine
    with torch.random.fork_rng(devices=[]), silenced():
        stored = read_state(artifact.folder / STATE).keys()
        skeleton = method.skeleton(module_of(artifact), settings, stored)
        owner = f"method '{body.method}' of model '{body.model}'"
        module = fill(skeleton.module, artifact.folder / STATE, owner)

    def predict(*inputs: Array) -> Array | Arrays:
        if torch.backends.quantized.engine != engine:
            torch.backends.quantized.engine = engine
        with torch.inference_mode():
            output = module(*map(torch.from_numpy, inputs))
            if isinstance(output, Tensor):
                return output.numpy()
            return answer([tensor.numpy() for tensor in tensors(output)])

    return predict
