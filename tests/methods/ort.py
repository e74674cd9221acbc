"""What the tests of ONNX Runtime's quantizers share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.settings import parse_settings
from quantbench.studies.quantize import quantize
from quantbench.tasks.task import Task

BOUND = 0.02
"""Root mean square of the logits' error over that of the logits.

Every setting gives 0.004 to 0.0125 on the generated digits, on CPUs that don't saturate; the
weights of one layer scaled wrongly by 5 % give 0.03 and more.
"""


def made(task: Task, parent: Path, method: str, **given: str) -> Artifact:
    settings = parse_settings(plugins.method(method).SETTINGS, "setting", given)
    return quantize(task, method, settings, "onnx", parent)


def logits(artifact: Artifact, task: Task) -> NDArray[np.float32]:
    return plugins.runtime("onnxruntime").load(artifact, 1)(task.test.inputs()[0])


def error(found: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    return float(np.sqrt(((found - expected) ** 2).mean() / (expected**2).mean()))


def stored(artifact: Artifact) -> onnx.ModelProto:
    return onnx.load(artifact.folder / "model.onnx")


def constants(artifact: Artifact) -> dict[str, NDArray[np.generic]]:
    return {t.name: numpy_helper.to_array(t) for t in stored(artifact).graph.initializer}


def weights(artifact: Artifact) -> dict[str, NDArray[np.int64]]:
    """Name -> 8-bit weights, of every layer."""
    return {
        name: values.astype(np.int64)
        for name, values in constants(artifact).items()
        if name.endswith("_quantized") and values.dtype.itemsize == 1
    }
