"""A compiled network beside ONNX Runtime, whose optimizations are off."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from quantbench.artifacts.artifact import Artifact
from quantbench.c99.build.loader import loaded
from quantbench.c99.compile import compiled
from quantbench.c99.target.target import Target
from quantbench.runtimes import reference
from tests.c99 import checking

Reals = NDArray[np.float32]


def onnx_runtime(path: Path, inputs: NDArray[np.generic]) -> Reals:
    """Its one output for inputs [N, ...], as float32."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (answers,) = session.run(None, {session.get_inputs()[0].name: inputs})
    return np.asarray(answers, np.float32)


def compiled_answers(path: Path, inputs: NDArray[np.generic]) -> Reals:
    """Of the C, one image at a time and as a batch, and of its twin: the same bits."""
    checking.command()
    given = inputs.astype(np.float32)
    predict = loaded(compiled(path, Target.PORTABLE), 1)
    answers = predict(given)
    single = np.concatenate([predict(given[at : at + 1]) for at in range(len(given))])
    assert answers.tobytes() == single.tobytes()
    return answers


def twin_answers(path: Path, inputs: NDArray[np.generic]) -> Reals:
    artifact = cast(Artifact, SimpleNamespace(folder=path.parent))
    return reference.load(artifact, 1)(inputs.astype(np.float32))


def agrees(path: Path, inputs: NDArray[np.generic], within: float) -> Reals:
    """The answers, where C and twin give the same bits, and ONNX Runtime what is `within` them."""
    answers, wanted = compiled_answers(path, inputs), onnx_runtime(path, inputs)
    assert answers.tobytes() == twin_answers(path, inputs).tobytes()
    assert answers.shape == wanted.shape
    assert np.abs(answers - wanted).max() <= within
    return answers
