"""ONNX Runtime on its CPU provider."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import onnxruntime as ort
from onnxruntime.capi.onnxruntime_pybind11_state import (
    EPFail,
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    RuntimeException,
)
from onnxruntime.capi.onnxruntime_pybind11_state import (
    NotImplemented as NoKernel,
)

from quantbench.artifacts.artifact import Artifact
from quantbench.artifacts.onnx_file import (
    OnnxFile,
    checked,
    newest,
    smallest,
)
from quantbench.contracts import Predict
from quantbench.errors import ArtifactError
from quantbench.export.batching import answer, exactly
from quantbench.samples.records import Array, Arrays

ACCEPTS = frozenset({"onnx"})
LIBRARIES = ("onnxruntime",)
PROVIDERS = ("CPUExecutionProvider",)
_FAILURES = (
    EPFail, Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, NoKernel, RuntimeException,
)  # fmt: skip


def load(artifact: Artifact, threads: int) -> Predict:
    """Load the model.

    Raises ArtifactError for a file that refers to others or is too new to be read.
    """
    path = artifact.folder / "model.onnx"
    file = checked(path)
    _refuse_newer(file, path)
    try:
        session = _session(file.data, threads)
    except _FAILURES as error:
        raise ArtifactError(
            f"ONNX Runtime {ort.__version__} can't load {path}: {_first_line(error)}"
        ) from error
    predict = _predict(session)
    fixed = session.get_inputs()[0].shape[:1]
    return exactly(predict, fixed[0]) if fixed and isinstance(fixed[0], int) else predict


def _predict(session: ort.InferenceSession) -> Predict:
    names = [value.name for value in session.get_inputs()]
    if len(names) == len(session.get_outputs()) == 1:
        name = names[0]

        def predict(inputs: Array) -> Array:
            return cast(Array, session.run(None, {name: inputs})[0])

        return predict

    def predict_several(*inputs: Array) -> Array | Arrays:
        return answer(session.run(None, dict(zip(names, inputs, strict=True))))

    return predict_several


def session_options(threads: int) -> ort.SessionOptions:
    """The settings of every session, profiled or not."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # A pool that spins between calls takes the core from whichever worker is timed next.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4  # errors are raised as well
    return options


def _session(data: bytes, threads: int) -> ort.InferenceSession:
    return ort.InferenceSession(data, session_options(threads), providers=[*PROVIDERS])


def _refuse_newer(file: OnnxFile, path: Path) -> None:
    """Raise ArtifactError for a file newer than ONNX Runtime reads.

    ONNX Runtime doesn't say which versions it reads, so it is tried on the smallest model of each.
    """
    if not _reads(file.ir_version, 13):
        known = newest(lambda version: _reads(version, 13), file.ir_version)
        what = f"IR version {file.ir_version}, ONNX Runtime {ort.__version__} up to {known}"
    elif not _reads(file.ir_version, file.opset):
        known = newest(lambda version: _reads(file.ir_version, version), file.opset)
        what = f"operator set {file.opset}, ONNX Runtime {ort.__version__} up to {known}"
    else:
        return
    raise ArtifactError(f"{path} is of ONNX {what}; install a newer one or export it for an older")


def _reads(ir_version: int, opset: int) -> bool:
    try:
        _session(smallest(ir_version, opset), threads=1)
    except _FAILURES:
        return False
    return True


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300]
