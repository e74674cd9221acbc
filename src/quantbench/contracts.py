"""What a plug-in file must offer. tests/contracts checks every file found.

`unavailable` and `refuses` are optional: a plug-in that has nothing to say leaves them out. They
are asked in `plugins.why_unavailable` and `plugins.why_refused`, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from quantbench.system.progress import Progress

if TYPE_CHECKING:
    from torch import nn

    from quantbench.artifacts.artifact import Artifact
    from quantbench.data import DataSpec
    from quantbench.numerics.coverage import Quantized
    from quantbench.system.record import Settings
    from quantbench.tasks.task import Task
    from quantbench.training.checkpoint import Checkpoint

M = TypeVar("M")

Predict = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""float32 [N, C, H, W] -> float32 [N, K], or images as they came in: [N, C, H, W]"""


@dataclass(frozen=True)
class Plugin(Generic[M]):
    """A plug-in that was found by its name: what it offers, and the file that its results
    depend on.
    """

    name: str
    module: M
    source: Path


REQUIRED = {
    "data": frozenset({"SPEC"}),
    "models": frozenset({"INPUT_SHAPE", "build"}),
    "methods": frozenset({"FORMATS", "LIBRARIES", "SETTINGS", "quantize"}),
    "runtimes": frozenset({"ACCEPTS", "LIBRARIES", "load"}),
    "metrics": frozenset({"UNIT", "HIGHER_IS_BETTER", "compute"}),
}
"""Folder -> the names that each of its plug-ins defines, by which a file's kind is known."""


class DataModule(Protocol):
    SPEC: DataSpec


class ModelModule(Protocol):
    INPUT_SHAPE: tuple[int, int, int]

    def build(self) -> nn.Module:
        """A new network with PyTorch's own initialisation, drawn from the global seed."""


class MethodModule(Protocol):
    FORMATS: tuple[str, ...]
    LIBRARIES: tuple[str, ...]
    SETTINGS: type[Settings]

    def quantize(
        self,
        task: Task,
        checkpoint: Checkpoint,
        settings: Settings,
        format: str,
        folder: Path,
        progress: Progress,
    ) -> Quantized:
        """Write the files of one artifact into the empty `folder`.

        `task.test` is empty: a method never sees test data. The checkpoint is not changed.
        The same arguments give the same bytes.
        """


class TorchMethodModule(MethodModule, Protocol):
    """A method that writes the format "torch": a state_dict that needs its module."""

    def skeleton(self, float_model: nn.Module, settings: Settings) -> nn.Module:
        """The converted module before its state is loaded."""


class RuntimeModule(Protocol):
    ACCEPTS: frozenset[str]
    LIBRARIES: tuple[str, ...]

    def load(self, artifact: Artifact, threads: int) -> Predict:
        """Ready to predict on exactly `threads` threads; the artifact was verified."""


class SeldomDefault(RuntimeModule, Protocol):
    """A runtime that says whether a study runs it unasked."""

    DEFAULT: bool
    """Written as True or False: it is read without importing. Absent, it is True."""


class SometimesUnavailable(Protocol):
    """A plug-in that can't work everywhere."""

    def unavailable(self) -> str | None:
        """Why it can't work here, in a sentence for the user, or None."""


class SometimesRefuses(RuntimeModule, Protocol):
    """A runtime that can't run every artifact of the formats that it accepts."""

    def refuses(self, artifact: Artifact) -> str | None:
        """Why it can't run this artifact, though it accepts its format, or None.

        It is asked in the study's own process, before anything is loaded.
        """


@dataclass(frozen=True)
class Observation:
    """What a metric may look at: one row's answers to the test images."""

    logits: NDArray[np.float32]  # [N, K]
    float_logits: NDArray[np.float32]  # [N, K], of float32 in the same engine
    labels: NDArray[np.int64]  # [N]
    bytes: int


class MetricModule(Protocol):
    UNIT: str
    HIGHER_IS_BETTER: bool

    def compute(self, seen: Observation) -> float:
        """One figure; not finite where there is none."""
