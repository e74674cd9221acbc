"""PyTorch, eager."""

from __future__ import annotations

import warnings
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.artifacts.state_file import STATE, read_state
from quantbench.contracts import Predict, TorchMethodModule
from quantbench.errors import ArtifactError

ACCEPTS = frozenset({"torch"})
LIBRARIES = ("torch",)


def load(artifact: Artifact, threads: int) -> Predict:
    """Rebuilds the module that the method converted, then fills it from the state_dict."""
    body = artifact.body
    method = cast(TorchMethodModule, plugins.method(body.method))
    try:
        settings = method.SETTINGS.model_validate(body.settings)
    except ValidationError as error:
        raise ArtifactError(
            f"{artifact.folder} can't run here: {error.errors()[0]['msg']}; quantize again"
        ) from error
    engine = cast(str, body.settings.get("engine", torch.backends.quantized.engine))
    torch.set_num_threads(threads)
    torch.backends.quantized.engine = engine  # loading packs the weights for this engine
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = method.skeleton(plugins.model(body.model).build(), settings).eval()
        try:
            module.load_state_dict(read_state(artifact.folder / STATE))
        except (RuntimeError, KeyError, AttributeError, TypeError) as error:
            raise ArtifactError(
                f"{artifact.folder / STATE} doesn't fit method '{body.method}' "
                f"of model '{body.model}'"
            ) from error

    def predict(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        if torch.backends.quantized.engine != engine:
            torch.backends.quantized.engine = engine
        with torch.inference_mode():
            return cast(NDArray[np.float32], module(torch.from_numpy(inputs)).numpy())

    return predict
