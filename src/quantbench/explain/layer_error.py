"""The numerical error of each layer of a study's artifacts, against float32's values.

Of ONNX artifacts both graphs are run as they are written (onnx_error.py), of PyTorch's the
converted module beside the float one (module_error.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from quantbench.artifacts.artifact import Artifact
from quantbench.errors import ArtifactError, UnavailableError
from quantbench.explain.records import ErrorByLayer
from quantbench.explain.subject import Subject
from quantbench.results.records import Row

SAMPLES = 256


def errors_by_layer(
    subject: Subject, rows: Sequence[str] | None = None, samples: int = SAMPLES
) -> tuple[ErrorByLayer, ...]:
    """The error by layer of each quantized artifact behind `rows`, of all rows where None.

    The first `samples` test samples are run. An artifact of a format that keeps no layers, or
    whose layers can't be told, is left out; the latter is told to the user. Rows of one artifact
    share its errors.
    """
    errors = []
    chosen = subject.task.test.part(0, samples)
    for artifact in _artifacts(subject, rows):
        body = artifact.body
        try:
            if body.format == "onnx":
                from quantbench.explain.onnx_error import onnx_errors  # it imports ONNX Runtime

                error = onnx_errors(
                    artifact, subject.task.network, chosen, subject.scratch, subject.progress
                )
            else:
                from quantbench.explain.module_error import module_errors  # it imports torch.ao

                error = module_errors(artifact, subject.task.network, chosen, subject.progress)
        except (ArtifactError, UnavailableError) as reason:
            subject.progress.log(
                f"note: no errors by layer of {body.method} {body.format}: {reason}"
            )
        else:
            errors.append(error)
    return tuple(errors)


def _artifacts(subject: Subject, rows: Sequence[str] | None) -> Iterator[Artifact]:
    """The quantized artifacts of the rows, each once."""
    seen: set[str] = set()
    for row in subject.results.rows:
        wanted = rows is None or row.name in rows
        if wanted and _has_layers(row) and row.artifact_sha256 not in seen:
            seen.add(row.artifact_sha256)
            yield subject.artifact(row)


def _has_layers(row: Row) -> bool:
    return row.kind != "float" and row.format in ("onnx", "state_dict")
