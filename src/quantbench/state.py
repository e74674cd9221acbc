"""State dicts on disk, read by PyTorch's weights-only reader: it admits tensors and plain
containers, and executes nothing.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch

from quantbench.errors import ArtifactError


def read_state(path: Path) -> dict[str, object]:
    """A state_dict; nothing but tensors and plain containers is admitted."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ArtifactError(f"{path} is not a readable state_dict ({first})") from error
    if not isinstance(state, dict):
        raise ArtifactError(f"{path} holds no state_dict")
    return state


def write_state(path: Path, state: Mapping[str, object]) -> None:
    """As torch.save writes it; through memory, for a file's name would enter its bytes."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    path.write_bytes(buffer.getvalue())
