"""ONNX Runtime on its CPU provider."""

from __future__ import annotations

from typing import cast

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from quantbench.artifact import Artifact
from quantbench.contracts import Predict

ACCEPTS = frozenset({"onnx"})
LIBRARIES = ("onnxruntime",)


def unavailable() -> str | None:
    return None


def load(artifact: Artifact, threads: int) -> Predict:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # A pool that spins between calls takes the core from whichever worker is timed next.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    session = ort.InferenceSession(
        artifact.folder / "model.onnx", options, providers=["CPUExecutionProvider"]
    )
    name = session.get_inputs()[0].name

    def predict(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        return cast(NDArray[np.float32], session.run(None, {name: inputs})[0])

    return predict
