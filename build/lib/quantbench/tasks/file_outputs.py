"""The outputs of a network that came as a file: real numbers, a batch along the first axis."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from quantbench.errors import NetworkError


def require_floats(
    names: Iterable[str], outputs: Iterable[object], batch: int, path: Path, write: str
) -> None:
    """Raise NetworkError for outputs that aren't finite real numbers [batch, ...].

    `write` is what makes such files: "export" or "convert".
    """
    for name, array in zip(names, outputs, strict=True):
        which = f"output '{name}' of {path}"
        if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
            held = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
            raise NetworkError(
                f"{which} is {held}; {write} the real-valued scores that it is made from"
            )
        if not array.ndim or len(array) != batch or not array.size:
            raise NetworkError(
                f"{which} has the shape {list(array.shape)} for a batch of {batch}; {write} it "
                "with the batch as its first axis"
            )
        if not np.isfinite(array).all():
            raise NetworkError(
                f"{which} is NaN or infinite for the first samples; check the weights and how the "
                "samples are prepared"
            )
