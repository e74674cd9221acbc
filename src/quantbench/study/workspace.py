"""The folder that a study keeps its finished steps in."""

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
    """The folders that finished steps are kept in."""

    out: Path

    @property
    def checkpoints(self) -> Path:
        return self.out / "checkpoints"

    @property
    def artifacts(self) -> Path:
        return self.out / "artifacts"

    @property
    def trials(self) -> Path:
        return self.out / "trials"

    @property
    def evaluations(self) -> Path:
        return self.out / "evaluations"

    @property
    def timings(self) -> Path:
        return self.out / "timings"

    @property
    def folders(self) -> tuple[Path, ...]:
        return (self.checkpoints, self.artifacts, self.trials, self.evaluations, self.timings)

    @property
    def scratch(self) -> Path:
        """What no run needs after its end: the next one removes what a killed one left."""
        return self.out / ".scratch"


@contextlib.contextmanager
def workspace(out: Path, *, fresh: bool = False) -> Iterator[Workspace]:
    """Held for this process alone. Raises LockedError or StorageError."""
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
    """A folder of steps may itself be a link to another disk: then it stays one."""
    if folder.is_dir():
        with writing(folder):
            for path in folder.iterdir():
                discard(path)
