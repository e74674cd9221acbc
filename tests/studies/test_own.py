"""The task of a user's own network and samples, without quantizing anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import helper, numpy_helper
from torch import nn

from quantbench.errors import NetworkError, QuantbenchError, SamplesError
from quantbench.results.metric import metric_for
from quantbench.samples.shared import shared_between
from quantbench.studies.own import Own, own_task
from tests.progress import Recorded

RNG = np.random.default_rng(3)
X = RNG.normal(size=(400, 20)).astype(np.float32)
Y = RNG.integers(0, 5, 400)


def mlp() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(20, 8), nn.ReLU(), nn.Linear(8, 5))


def onnx_file(folder: Path, batch: int | str) -> Path:
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["features", "w"], ["scores"])],
        "g",
        [helper.make_tensor_value_info("features", onnx.TensorProto.FLOAT, [batch, 20])],
        [helper.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, [batch, 5])],
        [numpy_helper.from_array(np.eye(20, 5, dtype=np.float32), "w")],
    )
    path = folder / "net.onnx"
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path
    )
    return path


def test_a_module_is_left_as_it_was(tmp_path: Path) -> None:
    module = mlp().train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    state = torch.get_rng_state()
    task = own_task(Own(module, test=(X, Y), calibration=X[:50]), tmp_path)
    assert module.training
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert not task.network.module().training
    assert [spec.shape for spec in (*task.network.inputs, *task.network.outputs)] == [(20,), (5,)]
    assert metric_for(task).name == "accuracy"


def test_without_calibration_a_part_of_the_test_samples_is_not_scored(tmp_path: Path) -> None:
    progress = Recorded()
    task = own_task(Own(mlp(), test=(X, Y)), tmp_path, progress)
    assert (len(task.calibration), len(task.test)) == (40, 360)
    assert shared_between(task.calibration, task.test).count == 0
    assert any("40 of the 400 test samples are set aside" in line for line in progress.lines)
    assert any("they aren't scored" in line for line in progress.lines)
    again = own_task(Own(mlp(), test=(X, Y)), tmp_path)
    assert again.calibration.sha256 == task.calibration.sha256


def test_a_training_set_gives_the_calibration(tmp_path: Path) -> None:
    task = own_task(Own(mlp(), test=(X[:100], Y[:100]), train=(X[100:], Y[100:])), tmp_path)
    assert task.train is not None
    assert (len(task.calibration), len(task.train), len(task.test)) == (32, 268, 100)
    assert shared_between(task.calibration, task.train).count == 0


def test_batches_are_streamed_once(tmp_path: Path) -> None:
    def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for start in range(0, 400, 64):
            yield X[start : start + 64], Y[start : start + 64]

    task = own_task(Own(mlp(), test=batches(), calibration=(X[:50], Y[:50])), tmp_path)
    np.testing.assert_array_equal(task.test.inputs()[0], X)
    np.testing.assert_array_equal(task.test.targets, Y)


@pytest.mark.parametrize("batch", ["n", 1, 4])
def test_an_onnx_file_of_any_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int | str
) -> None:
    monkeypatch.setenv("QUANTBENCH_CACHE", str(tmp_path / "cache"))
    np.savez(tmp_path / "test.npz", x=X, y=Y)
    own = Own(str(onnx_file(tmp_path, batch)), test=tmp_path / "test.npz")
    task = own_task(own, tmp_path / "given")
    assert task.network.inputs[0].shape == (20,)
    assert task.network.fixed_batch is None
    assert task.data == "test.npz"


def wrong_labels() -> Own:
    return Own(mlp(), test=(X, Y[:-1]))


def wrong_shape() -> Own:
    return Own(mlp(), test=(X[:, :19], Y))


def no_test() -> Own:
    return Own(mlp(), test=None)


def nothing_there() -> Own:
    return Own("absent.onnx", test=(X, Y))


def objects() -> Own:
    return Own(mlp(), test=(np.array([{}, []], dtype=object), Y[:2]))


def two_inputs() -> Own:
    return Own(mlp(), test=((X, X), Y))


def calibration_of_another_shape() -> Own:
    return Own(mlp(), test=(X, Y), calibration=X[:, :3])


@pytest.mark.parametrize(
    ("own", "kind", "words"),
    [
        (wrong_labels, SamplesError, "399"),
        (wrong_shape, NetworkError, "20"),
        (no_test, SamplesError, "give test samples"),
        (nothing_there, QuantbenchError, "absent.onnx"),
        (objects, SamplesError, "object"),
        (two_inputs, QuantbenchError, "2"),
        (calibration_of_another_shape, QuantbenchError, "3"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_is_wrong_is_one_line(
    tmp_path: Path, own: object, kind: type[QuantbenchError], words: str
) -> None:
    with pytest.raises(kind, match=words) as caught:
        own_task(own(), tmp_path)  # type: ignore[operator]
    assert len(str(caught.value).splitlines()) == 1
