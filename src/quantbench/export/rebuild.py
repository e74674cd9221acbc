"""The float module of an artifact, which a method converts before its state is loaded."""

from __future__ import annotations

from torch import nn

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact


def module_of(artifact: Artifact) -> nn.Module:
    """A new float module for the artifact's state, with weights of no meaning.

    Raises UnknownNameError for a network that isn't there any more.
    """
    return plugins.model(artifact.body.model).build()
