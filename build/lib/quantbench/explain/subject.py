"""The study that is explained: its results, and the artifacts and samples behind them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from quantbench.artifacts.artifact import Artifact, load_artifact
from quantbench.results.records import Results, Row
from quantbench.system.progress import NO_PROGRESS, Progress
from quantbench.tasks.task import Task


@dataclass(frozen=True)
class Subject:
    """A finished study, as each part of an explanation takes it.

    `scratch` is an empty folder for files that nothing needs once the explanation is there.
    """

    task: Task
    results: Results
    out: Path
    """The study's folder: artifacts of rows lie below it."""
    scratch: Path
    progress: Progress = NO_PROGRESS

    def artifact(self, row: Row) -> Artifact:
        """The artifact of a row. Raises ArtifactError where its folder isn't as it was saved."""
        return load_artifact(self.out / row.artifact)

    def row(self, name: str) -> Row | None:
        """The row of that name, "static on torch", or None."""
        return next((row for row in self.results.rows if row.name == name), None)
