"""State dicts on disk, read by PyTorch's weights-only reader: it admits tensors and plain
containers, and executes nothing.
"""

from __future__ import annotations

import io
import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from quantbench.errors import ArtifactError


def read_state(path: Path) -> dict[str, object]:
    """A state_dict; nothing but tensors and plain containers is admitted."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ArtifactError(f"{path} is not a readable state_dict: {_why(error)}") from error
    if not isinstance(state, dict):
        raise ArtifactError(f"{path} holds no state_dict")
    return state


def fill(module: nn.Module, path: Path, owner: str) -> nn.Module:
    """Load the state_dict at `path` into `module`, and give it back in eval mode.

    Raises ArtifactError if the state isn't one of this module; `owner` says whose that is.
    """
    module.eval()
    try:
        module.load_state_dict(read_state(path))
    except (RuntimeError, KeyError, AttributeError, TypeError) as error:
        raise ArtifactError(f"{path} doesn't fit {owner}") from error
    return module


def _why(error: Exception) -> str:
    """The reason of an error in our own words: PyTorch's suggest a load that runs code."""
    if isinstance(error, pickle.UnpicklingError):
        return "it holds other objects than tensors and plain containers, or is damaged"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "it is damaged or incomplete"


def write_state(path: Path, state: Mapping[str, object]) -> None:
    """Like torch.save, but via a buffer: torch stores the file name in the archive."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    path.write_bytes(buffer.getvalue())


STATE = "state.pt"
