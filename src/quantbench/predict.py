"""One image, answered by the float network and by an int8 one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from quantbench import plugins
from quantbench.artifact import Artifact
from quantbench.data import DataSpec, preprocess
from quantbench.records import Record


class Answer(Record):
    label: str
    probability: float


def answers(
    artifact: Artifact, runtime: str, spec: DataSpec, images: Sequence[NDArray[np.uint8]]
) -> list[Answer]:
    """The likeliest class of each image, uint8 [28, 28], light on dark."""
    predict = plugins.runtime(runtime).load(artifact, threads=1)
    probabilities = softmax(predict(preprocess(np.stack(images), spec)).astype(np.float64), axis=1)
    return [
        Answer(label=spec.classes[best], probability=float(row[best]))
        for row, best in zip(probabilities, probabilities.argmax(1), strict=True)
    ]
