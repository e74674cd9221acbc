"""The worker's side of the protocol, in this process."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from quantbench.artifacts.artifact import Artifact
from quantbench.harness.worker import Request, Session, serve
from quantbench.tasks.task import Task


@pytest.fixture
def images(task: Task, tmp_path: Path) -> Path:
    np.save(tmp_path / "images.npy", task.test.images, allow_pickle=False)
    return tmp_path / "images.npy"


@pytest.fixture
def session(images: Path, artifacts: Callable[[str, str, str], Artifact]) -> Session:
    session = Session()
    assert session.answer(Request(do="images", images=str(images), data="mnist")) == {"images": 200}
    folder = artifacts("lenet", "float32", "state_dict").folder
    loaded = session.answer(Request(do="load", artifact=str(folder), runtime="torch"))
    assert loaded.keys() == {"seconds"}
    return session


def test_it_answers_every_image_once_and_in_order(
    session: Session, task: Task, tmp_path: Path
) -> None:
    out = tmp_path / "logits.npy"
    assert session.answer(Request(do="predict", batch=70, out=str(out))) == {"rows": 200}
    logits = np.load(out, allow_pickle=False)
    assert (logits.argmax(1) == task.test.labels).mean() >= 0.97


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
    request = Request(do="time_end_to_end", data="mnist", batch=50, start=150)
    assert len(session.answer(request)["microseconds"]) == 1
    assert sizes == [50]


def test_reading_alone_needs_no_model(images: Path) -> None:
    session = Session()
    session.answer(Request(do="images", images=str(images), data="mnist"))
    answer = session.answer(Request(do="time_data", data="mnist", batch=50))
    assert answer["microseconds"][0] > 0


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
