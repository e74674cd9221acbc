"""The record of a float network, whatever it was loaded from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import DTypeLike, NDArray

from quantbench.errors import UnavailableError
from quantbench.system.record import Record

if TYPE_CHECKING:  # workers read TensorSpec, and most of them do without PyTorch
    from torch import nn


class TensorSpec(Record):
    """One input or output of a network; `shape` is without the batch."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"

    def zeros(self, batch: int) -> NDArray[np.generic]:
        """An array of zeros, [batch, *shape]."""
        dtype: DTypeLike = np.dtype(self.dtype)
        return np.zeros((batch, *self.shape), dtype)


@dataclass(frozen=True)
class Network:
    """A float network with its weights: a PyTorch module, an ONNX or a TensorFlow Lite file.

    One of `make_module`, `onnx` and `tflite` is there at least.
    """

    name: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    sha256: str
    """Identifies the structure and the weights."""
    make_module: Callable[[], nn.Module] | None = None
    """Makes a fresh copy in eval mode; the global random state is left as it was."""
    no_module: str = "the network is no PyTorch module"
    """The reason why `make_module` is None, in a sentence for the user."""
    onnx: Path | None = None
    """The float network as ONNX, where it came so."""
    tflite: Path | None = None
    """The network as TensorFlow Lite, where it came so."""
    sources: tuple[Path, ...] = ()
    """Python files that define the module: stored results depend on their content."""
    fixed_batch: int | None = None
    """The only batch that the network takes, where one is fixed."""
    untrained: bool = False
    """Its weights are still to be trained: `make_module` draws them from the global seed."""
    quantized: bool = False
    """Whether it came quantized already: it is measured as it is, and no method changes it."""
    origin: str = ""
    """The source that the user named, for the head of a report: "nets.onnx", "a ResNet"."""
    notes: tuple[str, ...] = ()
    """The changes and assumptions made on loading, a sentence each, for the user."""

    def module(self) -> nn.Module:
        """A fresh copy of the module, in eval mode. Raises UnavailableError where there is none."""
        if self.make_module is None:
            raise UnavailableError(self.no_module)
        return self.make_module()
