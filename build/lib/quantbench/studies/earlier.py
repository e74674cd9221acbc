"""The artifacts of an earlier study, which are measured in turn with those of this one.

Times of two runs can't be paired, and results.json holds no answers: so what an earlier
study wrote is loaded once more, checked by its hash, and takes part in the measurement.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact, load_artifact
from quantbench.errors import ArtifactError
from quantbench.harness.pool import EARLIER, Candidate
from quantbench.harness.records import Skipped
from quantbench.results.file import read_results
from quantbench.results.records import Row
from quantbench.system.progress import Progress


@dataclass(frozen=True)
class Earlier:
    """An earlier study: its rows, and the folder with its results.json and artifacts."""

    folder: Path
    rows: tuple[Row, ...]


def read_earlier(path: Path) -> Earlier:
    """Read the results.json of an earlier study. Raises ResultsError."""
    return Earlier(path.parent, read_results(path).rows)


def with_earlier(
    candidates: Generator[Candidate | Skipped], earlier: Earlier, progress: Progress
) -> Generator[Candidate | Skipped]:
    """Yield the candidates of a study, then the earlier ones of the same methods and runtimes.

    An artifact that is the same in both is measured once: it has nothing to be paired with. One
    that is gone, or isn't what it was, is skipped with its reason.
    """
    new: list[Candidate] = []
    with contextlib.closing(candidates):
        for outcome in candidates:
            if isinstance(outcome, Candidate):
                new.append(outcome)
            yield outcome
    pairs = _pairs(new, earlier.rows)
    if not pairs:
        progress.log(f"note: no row of {earlier.folder} is one of this study, so none is paired")
    for candidate, row in pairs:
        if row.artifact_sha256 == candidate.artifact.sha256:
            progress.log(f"note: {row.name} is the same artifact as before: measured once")
        else:
            yield _earlier(candidate, row, earlier.folder)


def _pairs(candidates: Sequence[Candidate], rows: Sequence[Row]) -> list[tuple[Candidate, Row]]:
    by_name = {row.name: row for row in rows}
    return [(each, by_name[each.name]) for each in candidates if each.name in by_name]


def _earlier(candidate: Candidate, row: Row, folder: Path) -> Candidate | Skipped:
    """The row's artifact on the runtime of `candidate`, or why it isn't measured."""
    try:
        artifact = _artifact(row, folder)
    except ArtifactError as error:
        return Skipped(method=f"{row.method}{EARLIER}", runtime=row.runtime, reason=str(error))
    paired = Candidate(artifact, candidate.runtime, earlier=True)
    reason = plugins.why_refused(candidate.runtime.module, artifact)
    return paired.skipped(reason) if reason else paired


def _artifact(row: Row, folder: Path) -> Artifact:
    """The artifact of a row of the results.json in `folder`; raises ArtifactError."""
    place = folder / "artifacts" / Path(row.artifact).name
    if not place.is_dir():
        raise ArtifactError(
            f"its artifact {place} isn't there; keep artifacts/ beside results.json"
        )
    artifact = load_artifact(place)
    if artifact.sha256 != row.artifact_sha256 or artifact.body.method != row.method:
        raise ArtifactError(f"{place} isn't what was measured: its SHA-256 differs")
    return artifact
