"""PyTorch in eager mode."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.artifacts.state_file import STATE, fill
from quantbench.contracts import Predict, StateDictMethodModule
from quantbench.errors import ArtifactError
from quantbench.system.silence import silenced

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
        skeleton = method.skeleton(plugins.model(body.model).build(), settings)
        owner = f"method '{body.method}' of model '{body.model}'"
        module = fill(skeleton.module, artifact.folder / STATE, owner)

    def predict(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        if torch.backends.quantized.engine != engine:
            torch.backends.quantized.engine = engine
        with torch.inference_mode():
            return cast(NDArray[np.float32], module(torch.from_numpy(inputs)).numpy())

    return predict
