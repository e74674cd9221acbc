"""Explain a finished study: its task once more, its artifacts, and what they show."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from quantbench.errors import UnknownNameError, UsageError
from quantbench.explain.file import write_explanation
from quantbench.explain.records import Explanation
from quantbench.explain.sections import Asked, explanation_of
from quantbench.explain.subject import Subject
from quantbench.results.file import read_results
from quantbench.results.records import Results
from quantbench.studies.options import Options, Overrides
from quantbench.studies.prepare import prepare
from quantbench.studies.workspace import Workspace, workspace
from quantbench.system.files import sha256_of
from quantbench.system.progress import NO_PROGRESS, Progress
from quantbench.tasks.task import Task

RESULTS = "results.json"


@dataclass(frozen=True)
class Explained:
    """A study with its explanation, and the file that holds it."""

    results: Results
    explanation: Explanation
    file: Path


def explain(
    options: Options,
    overrides: Overrides | None = None,
    progress: Progress = NO_PROGRESS,
    *,
    asked: Asked | None = None,
    only: Collection[str] = (),
    load: Callable[[Workspace, Progress], Task] | None = None,
) -> Explained:
    """Explain the study in `options.out`, and write explanation.json beside its results.json.

    The options name the network and data as the study had them; `load` gives the task in place of
    that. `only`: names of sections. Raises ResultsError without results, UsageError where the
    study is about another network or other samples, UnknownNameError for a row or section.
    """
    out = options.out
    results = read_results(out / RESULTS)
    require_rows(results, asked)
    with workspace(out) as space:
        if load is None:
            task = prepare(options, overrides or {}, space, progress)
        else:
            task = load(space, progress)
        require_same(task, results, out)
        scratch = space.scratch / "explanation"
        scratch.mkdir()
        subject = Subject(task, results, out, scratch, progress)
        explanation = explanation_of(subject, sha256_of(out / RESULTS), asked, only)
    return Explained(results, explanation, write_explanation(explanation, out))


def require_rows(results: Results, asked: Asked | None) -> None:
    """Raise UnknownNameError for a row that the study hasn't."""
    known = [row.name for row in results.rows]
    for name in (asked and asked.rows) or ():
        if name not in known:
            raise UnknownNameError("row", name, known, str(RESULTS))


def require_same(task: Task, results: Results, out: Path) -> None:
    """Raise UsageError where the results are about another network or other samples."""
    if task.network.sha256 != results.network_sha256:
        other = "another network"
    elif any(results.splits.get(split.name) != split.sha256 for split in task.splits):
        other = "other samples"
    else:
        return
    raise UsageError(
        f"the study in {out} is about {other}; name the network and its data as `quantbench run` "
        "was given them, or run it anew"
    )
