"""The numerical error of each layer of a study's artifacts, against float32's values.

Of ONNX artifacts both graphs are run as they are written (error/onnx_error.py), of PyTorch's the
converted module beside the float one (error/module_error.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from quantbench.errors import ArtifactError, UnavailableError
from quantbench.explain.records import ErrorByLayer
from quantbench.explain.subject import Subject
from quantbench.results.records import Row
from quantbench.samples.records import Samples

SAMPLES = 256


def errors_by_layer(
    subject: Subject, rows: Sequence[str] | None = None, samples: int = SAMPLES
) -> tuple[ErrorByLayer, ...]:
    """The error by layer of each quantized artifact behind `rows`, of all rows where None.

    The first `samples` test samples are run. An artifact of a format that keeps no layers, or
    whose layers can't be told, is left out; the latter is told to the user. Rows of one artifact
    share its errors.
    """
    chosen = subject.task.test.part(0, samples)
    errors = (_error(subject, row, chosen) for row in _one_an_artifact(subject, rows))
    return tuple(error for error in errors if error is not None)


def _error(subject: Subject, row: Row, samples: Samples) -> ErrorByLayer | None:
    """The error by layer of a row's artifact, or None where the user was told why there is none."""
    network, progress = subject.task.network, subject.progress
    try:
        artifact = subject.artifact(row)
        if row.format == "onnx":
            from quantbench.explain.error.onnx_error import onnx_errors  # it imports ONNX Runtime

            return onnx_errors(artifact, network, samples, subject.scratch, progress)
        from quantbench.explain.error.module_error import module_errors  # it imports torch.ao

        return module_errors(artifact, network, samples, progress)
    except (ArtifactError, UnavailableError) as error:
        progress.log(f"note: no errors by layer of {row.method} {row.format}: {error}")
        return None


def _one_an_artifact(subject: Subject, names: Sequence[str] | None) -> Iterator[Row]:
    """The rows of these names whose artifact has layers to tell, one row for each artifact."""
    seen: set[str] = set()
    for row in subject.results.rows:
        wanted = names is None or row.name in names
        has_layers = row.kind != "float" and row.format in ("onnx", "state_dict")
        if wanted and has_layers and row.artifact_sha256 not in seen:
            seen.add(row.artifact_sha256)
            yield row
