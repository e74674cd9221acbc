"""The outputs of rows for the test samples, as the study's evaluations kept them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from quantbench.errors import ArtifactError
from quantbench.explain.subject import Subject
from quantbench.harness.arrays import read_arrays
from quantbench.harness.evaluate import Evaluation
from quantbench.harness.worker import OUTPUT
from quantbench.results.records import Row
from quantbench.samples.records import Arrays
from quantbench.system.store import MANIFEST, load


def kept_outputs(subject: Subject) -> dict[str, Arrays]:
    """Row -> its outputs, one array [N, ...] each, mapped from the study's folder.

    A row whose evaluation is gone, or damaged, is left out.
    """
    outputs = {row.name: _outputs(subject, row) for row in subject.results.rows}
    return {name: arrays for name, arrays in outputs.items() if arrays is not None}


def _outputs(subject: Subject, row: Row) -> Arrays | None:
    """The newest evaluation of a row's artifact on its runtime, for the task's test samples."""
    for folder in _newest_first(subject.out / "evaluations", f"{row.method}-{row.runtime}-*"):
        with contextlib.suppress(ArtifactError):
            stored = load(folder, "evaluation", Evaluation)
            if _is_of(stored.inputs, row, subject.task.test.sha256):
                return read_arrays(stored.folder, OUTPUT)
    return None


def _newest_first(parent: Path, pattern: str) -> list[Path]:
    folders = [path for path in parent.glob(pattern) if (path / MANIFEST).is_file()]
    return sorted(folders, key=lambda path: path.stat().st_mtime_ns, reverse=True)


def _is_of(inputs: Mapping[str, JsonValue], row: Row, test: str) -> bool:
    of_row = inputs.get("row")
    return (
        isinstance(of_row, dict)
        and of_row.get("artifact") == row.artifact_sha256
        and of_row.get("runtime") == row.runtime
        and inputs.get("test") == test
    )
