"""A row's worker: what it is asked, and what becomes of one that dies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from quantbench.errors import WorkerError, WorkerLostError
from quantbench.harness.arrays import read_arrays
from quantbench.harness.process import Worker
from quantbench.harness.worker import INPUT, Request
from quantbench.runtimes.null import Null, save_null
from quantbench.tasks.network import TensorSpec
from quantbench.web.row_worker import RowWorker, ServedRow
from tests.stub_worker import StubWorker

OUTPUTS = (TensorSpec(name="logits", shape=(10,)),)
LOGITS = np.arange(10, dtype=np.float32)[np.newaxis]
DIGIT = np.ones((1, 1, 32, 32), np.float32)


class Scripted(StubWorker):
    """Fails as the next of `faults` says, before which requests are noted."""

    faults: Iterator[tuple[str, Exception]] = iter(())

    def __init__(self, name: str, threads: int, scratch: Path) -> None:
        super().__init__(name, threads, scratch)
        self.asked: list[str] = []
        self.fault = next(type(self).faults, ("", WorkerError("")))

    def begin(self, request: Request) -> None:
        self.asked.append(request.do)
        if request.do == "samples":
            (inputs,) = read_arrays(Path(request.samples), INPUT)
            assert inputs.shape == DIGIT.shape
        if request.do == self.fault[0]:
            raise self.fault[1]

    def outputs(self) -> NDArray[np.float32]:
        return LOGITS


@pytest.fixture
def scripted(tmp_path: Path) -> Callable[..., tuple[RowWorker, list[Scripted]]]:
    def make(*faults: tuple[str, Exception]) -> tuple[RowWorker, list[Scripted]]:
        script, made = iter(faults), list[Scripted]()

        class Own(Scripted):
            faults = script

        def worker(name: str, threads: int, scratch: Path) -> Worker:
            made.append(Own(name, threads, scratch))
            return made[-1]

        row = ServedRow("static on torch", tmp_path / "artifact", "torch", 1)
        return RowWorker(row, OUTPUTS, tmp_path, worker), made

    return make


def test_an_answer_is_the_softmax_of_its_outputs(
    scripted: Callable[..., tuple[RowWorker, list[Scripted]]], tmp_path: Path
) -> None:
    row, made = scripted()
    assert row.start(DIGIT) == ""
    answer = row.answer(DIGIT)
    odds = np.exp(LOGITS[0].astype(float))
    assert answer.probabilities == pytest.approx((odds / odds.sum()).tolist())
    assert (answer.microseconds, answer.fault) == (100.0, "")
    assert made[0].asked == ["samples", "load", "samples", "predict", "time_model"]
    row.close()
    assert [*tmp_path.iterdir()] == []


def test_one_that_dies_is_started_again(
    scripted: Callable[..., tuple[RowWorker, list[Scripted]]],
) -> None:
    row, made = scripted(("predict", WorkerLostError("static on torch was killed")))
    assert "was killed; it starts again" in row.answer(DIGIT).fault
    assert row.answer(DIGIT).fault == ""
    assert len(made) == 2


def test_one_that_refuses_stays_up_and_says_why(
    scripted: Callable[..., tuple[RowWorker, list[Scripted]]],
) -> None:
    row, made = scripted(("predict", WorkerError("raised RuntimeError")))
    assert [row.answer(DIGIT).fault for _ in range(2)] == [
        "static on torch raised RuntimeError"
    ] * 2
    assert len(made) == 1


def test_one_that_never_loads_stays_down_after_three_starts(
    scripted: Callable[..., tuple[RowWorker, list[Scripted]]],
) -> None:
    row, made = scripted(*[("load", WorkerError("can't read it"))] * 9)
    assert row.start(DIGIT) == "can't read it"
    faults = [row.answer(DIGIT).fault for _ in range(4)]
    assert faults[0] == "static on torch can't read it"
    assert faults[3] == "static on torch is down after 3 starts: can't read it"
    assert len(made) == 3


def test_a_runtime_that_crashes_is_a_fault_of_its_row(tmp_path: Path) -> None:
    artifact = save_null(tmp_path, "static", Null(fault="crash"))
    row = RowWorker(ServedRow("static on null", artifact.folder, "null", 1), OUTPUTS, tmp_path)
    try:
        assert row.answer(DIGIT).fault.startswith("static on null was killed by SIGSEGV")
    finally:
        row.close()
