"""Artifacts: a folder that a method wrote, with a manifest that every load checks."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

from quantbench.artifacts.records import ArtifactBody
from quantbench.system.store import Stored, load

Artifact: TypeAlias = Stored[ArtifactBody]
KIND = "artifact"


def load_artifact(folder: Path) -> Artifact:
    """Load the artifact in `folder`.

    Raises ArtifactError if anything in the folder isn't as it was saved.
    """
    return load(folder, KIND, ArtifactBody)
