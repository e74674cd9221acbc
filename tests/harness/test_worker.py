"""The worker's side of the protocol, in this process."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from quantbench.artifacts.artifact import Artifact
from quantbench.harness.arrays import read_arrays
from quantbench.harness.pool import write_samples
from quantbench.harness.worker import OUTPUT, Request, Session, serve
from quantbench.tasks.task import Task


@pytest.fixture
def samples(task: Task, tmp_path: Path) -> Path:
    write_samples(tmp_path / "samples", task.test, "mnist")
    return tmp_path / "samples"


@pytest.fixture
def session(task: Task, samples: Path, artifacts: Callable[[str, str, str], Artifact]) -> Session:
    session = Session()
    read = Request(do="samples", samples=str(samples), reader="mnist")
    assert session.answer(read) == {"samples": 200}
    folder = artifacts("lenet", "float32", "state_dict").folder
    outputs = task.network.outputs
    load = Request(do="load", artifact=str(folder), runtime="torch", outputs=outputs)
    loaded = session.answer(load)
    assert loaded.keys() == {"seconds"}
    return session


def test_it_answers_every_image_once_and_in_order(
    session: Session, task: Task, tmp_path: Path
) -> None:
    assert session.answer(Request(do="predict", batch=70, out=str(tmp_path))) == {"rows": 200}
    (logits,) = read_arrays(tmp_path, OUTPUT)
    assert (logits.argmax(1) == task.test.targets).mean() >= 0.97


def counting(session: Session) -> list[int]:
    """The size of each batch that is predicted from now on."""
    sizes: list[int] = []
    predict = session._predict
    assert predict is not None

    def watched(inputs: np.ndarray) -> np.ndarray:
        sizes.append(len(inputs))
        return predict(inputs)

    session._predict = watched
    return sizes


@pytest.mark.parametrize("start", [0, 150, 199])
def test_each_call_but_the_warm_ones_is_timed(session: Session, start: int) -> None:
    sizes = counting(session)
    request = Request(do="time_model", batch=1, start=start, calls=60, warm=5)
    answer = session.answer(request)
    assert sizes == [1] * 65
    assert len(answer["microseconds"]) == 60
    assert all(time > 0 for time in answer["microseconds"])
    assert answer["cpu"] > 0


@pytest.mark.parametrize("start", [0, 100, 149, 150])
def test_a_batch_is_whole(session: Session, start: int) -> None:
    """Else fewer images than stated would be timed."""
    sizes = counting(session)
    session.answer(Request(do="time_model", batch=50, start=start, calls=4))
    assert sizes == [50] * 4


def test_end_to_end_reads_and_predicts(session: Session) -> None:
    sizes = counting(session)
    request = Request(do="time_end_to_end", batch=50, start=150)
    assert len(session.answer(request)["microseconds"]) == 1
    assert sizes == [50]


def test_reading_alone_needs_no_model(samples: Path) -> None:
    session = Session()
    session.answer(Request(do="samples", samples=str(samples), reader="mnist"))
    answer = session.answer(Request(do="time_data", batch=50))
    assert answer["microseconds"][0] > 0


@pytest.mark.parametrize("batch", [64, 200, 7])
def test_a_padded_batch_answers_as_a_whole_one(
    session: Session, tmp_path: Path, batch: int
) -> None:
    """For networks of one batch size: the last batch is filled up, its answers cut."""
    sizes = counting(session)
    (tmp_path / "whole").mkdir()
    session.answer(Request(do="predict", batch=batch, pad=True, out=str(tmp_path)))
    assert set(sizes) == {batch}
    session.answer(Request(do="predict", batch=200, out=str(tmp_path / "whole")))
    padded, whole = (read_arrays(f, OUTPUT)[0] for f in (tmp_path, tmp_path / "whole"))
    assert padded.shape == whole.shape
    assert np.abs(padded - whole).max() < 1e-4


def test_what_goes_wrong_is_an_answer(tmp_path: Path) -> None:
    requests = [
        Request(do="load", artifact=str(tmp_path / "gone"), runtime="torch"),
        Request(do="load", artifact=str(tmp_path), runtime="torhc"),
    ]
    answers = io.StringIO()
    serve(io.StringIO("".join(r.model_dump_json() + "\n" for r in requests)), answers)
    first, second = (json.loads(line) for line in answers.getvalue().splitlines())
    assert "manifest.json is missing" in first["error"]
    assert "did you mean 'torch'?" in second["error"]
