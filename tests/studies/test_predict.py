"""Answers come from a process of its own, whatever the runtime does there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.errors import WorkerError, WorkerLostError
from quantbench.runtimes.null import Fault, Null, save_null
from quantbench.studies.predict import answers
from quantbench.tasks.task import Task


def test_answers_are_the_runtimes(
    task: Task, artifacts: Callable[[str, str, str], Artifact]
) -> None:
    images = task.test.stored[0][:20]
    found = answers(artifacts("lenet", "static", "state_dict"), "torch", task, [*images])
    predict = plugins.runtime("torch").load(artifacts("lenet", "static", "state_dict"), 1)
    logits = predict(task.test.inputs()[0][:20]).astype(np.float64)
    odds = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert [answer.label for answer in found] == [task.classes[i] for i in logits.argmax(1)]
    assert [answer.probability for answer in found] == pytest.approx(odds.max(1))


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ("crash", WorkerLostError, "static on null was killed by SIGSEGV"),
        ("raise", WorkerError, "raised RuntimeError: the null runtime was told to fail"),
    ],
)
def test_a_runtime_that_dies_is_an_error_of_ours(
    task: Task, tmp_path: Path, fault: Fault, kind: type[WorkerError], words: str
) -> None:
    artifact = save_null(tmp_path, "static", Null(fault=fault))
    with pytest.raises(kind) as caught:
        answers(artifact, "null", task, [task.test.stored[0][0]])
    assert str(caught.value) == words
