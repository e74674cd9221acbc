"""The converted module of a state_dict artifact, with its stored state."""

from __future__ import annotations

from typing import cast

import torch
from pydantic import ValidationError

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.artifacts.state_file import STATE, fill, read_state
from quantbench.contracts import Skeleton, StateDictMethodModule
from quantbench.errors import ArtifactError
from quantbench.export.rebuild import module_of
from quantbench.system.record import Settings
from quantbench.system.silence import silenced


def engine_of(artifact: Artifact) -> str:
    """The quantized engine that an artifact's module runs on: it packs its weights on loading.

    Raises ArtifactError for one that isn't in this build of PyTorch.
    """
    chosen = _settings(artifact).model_dump()
    return cast(str, chosen.get("engine", torch.backends.quantized.engine))


def loaded(artifact: Artifact) -> Skeleton:
    """Build the module that the method converted, and fill it; `engine_of` must be in use.

    Raises ArtifactError where the stored settings or the state don't fit.
    """
    body, settings = artifact.body, _settings(artifact)
    with torch.random.fork_rng(devices=[]), silenced():
        stored = read_state(artifact.folder / STATE).keys()
        skeleton = _method(artifact).skeleton(module_of(artifact), settings, stored)
        owner = f"method '{body.method}' of model '{body.model}'"
        return Skeleton(fill(skeleton.module, artifact.folder / STATE, owner), skeleton.ranges)


def _method(artifact: Artifact) -> StateDictMethodModule:
    return cast(StateDictMethodModule, plugins.method(artifact.body.method))


def _settings(artifact: Artifact) -> Settings:
    try:
        return _method(artifact).SETTINGS.model_validate(artifact.body.settings)
    except ValidationError as error:
        raise ArtifactError(
            f"{artifact.folder} can't run here: {error.errors()[0]['msg']}; quantize again"
        ) from error
