"""The folder in which a study keeps its finished steps."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from quantbench.system.files import discard, require_writable, writing
from quantbench.system.lock import locked
from quantbench.system.store import clean
from quantbench.training.checkpoint import drop_superseded


@dataclass(frozen=True)
class Workspace:
    """The folders of finished steps, below `out`; each holds one folder for every step."""

    out: Path

    @property
    def checkpoints(self) -> Path:
        """Trained float networks, and epochs of interrupted trainings."""
        return self.out / "checkpoints"

    @property
    def artifacts(self) -> Path:
        """Quantized networks, one for each method, format and settings."""
        return self.out / "artifacts"

    @property
    def trials(self) -> Path:
        """Outcomes of running each artifact on a few samples."""
        return self.out / "trials"

    @property
    def evaluations(self) -> Path:
        """Outputs of each row for the test samples."""
        return self.out / "evaluations"

    @property
    def timings(self) -> Path:
        """Times of all rows that were measured together."""
        return self.out / "timings"

    @property
    def folders(self) -> tuple[Path, ...]:
        """All folders of finished steps."""
        return (self.checkpoints, self.artifacts, self.trials, self.evaluations, self.timings)

    @property
    def scratch(self) -> Path:
        """Temporary files of a run; the next run removes those that a killed one left."""
        return self.out / ".scratch"


@contextlib.contextmanager
def workspace(out: Path, *, fresh: bool = False) -> Iterator[Workspace]:
    """Hold the workspace `out` for this process alone; `fresh` removes all finished steps first.

    Unfinished steps of killed runs are removed. Raises LockedError where another process holds
    it, StorageError where it can't be written.
    """
    with locked(out):
        space = Workspace(out)
        for folder in space.folders:
            require_writable(folder)
            if fresh:
                _empty(folder)
            clean(folder)
        drop_superseded(space.checkpoints)
        with writing(out):
            discard(space.scratch)
            space.scratch.mkdir()
        try:
            yield space
        finally:
            shutil.rmtree(space.scratch, ignore_errors=True)


def _empty(folder: Path) -> None:
    """Remove the content but keep the folder, which may be a link to another disk."""
    if folder.is_dir():
        with writing(folder):
            for path in folder.iterdir():
                discard(path)
