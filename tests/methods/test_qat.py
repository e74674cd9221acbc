from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from quantbench.contracts import FurtherTraining
from quantbench.errors import CalibrationError, UnavailableError
from quantbench.export import pt2e
from quantbench.methods import qat
from quantbench.samples.records import Samples
from quantbench.studies.quantize import quantize
from quantbench.system.progress import NO_PROGRESS
from quantbench.tasks.task import Task
from quantbench.training.checkpoint import Checkpoint
from quantbench.training.recipes import RECIPES
from tests.methods.test_pt2e_static import mixed
from tests.networks import network_of, small

NOTHING = qat.Augmentation()


def images(count: int) -> Samples:
    torch.manual_seed(3)
    labels = torch.arange(count) % 2
    inputs = torch.randn(count, 1, 32, 32) + labels[:, None, None, None]
    return Samples("train", (inputs.numpy(),), labels.numpy())


@pytest.mark.slow
def test_it_learns_and_leaves_the_float_network_as_it_was() -> None:
    torch.manual_seed(0)
    model = mixed().eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    settings = qat.SETTINGS(lr=1e-3, batch=20, epochs=3)
    seen = images(200)
    network = network_of(model, (1, 32, 32))
    graph = pt2e.converted(qat.trained(network, seen, settings, NOTHING, NO_PROGRESS))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    with torch.no_grad():
        inputs = torch.from_numpy(seen.inputs()[0])
        logits = graph(inputs)
        # no dropout, no batch statistics; a batch of another size may be summed in another order
        others = torch.cat([inputs[:3], 2 * inputs[3:]])
        assert torch.equal(logits[:3], graph(others)[:3])
    assert (logits.argmax(1).numpy() == seen.targets).mean() > 0.95


def test_threads_and_random_numbers_are_left_as_they_were() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    threads = torch.get_num_threads()
    linear, seen = nn.Sequential(nn.Flatten(), nn.Linear(1024, 2)), images(40)
    network = network_of(linear, (1, 32, 32))
    torch.manual_seed(5)
    qat.trained(network, seen, qat.SETTINGS(), NOTHING, NO_PROGRESS)
    assert torch.equal(torch.rand(1), expected)
    assert torch.get_num_threads() == threads


def test_the_seed_and_the_number_of_images_count(task: Task, tmp_path: Path) -> None:
    found = set()
    for change in ({}, {"seed": 2}, {"images": 300}):
        settings = qat.SETTINGS(batch=50, **change)
        artifact = quantize(task, "qat", settings, "pt2", tmp_path)
        found.add(artifact.files["model.pt2"].sha256)
    assert len(found) == 3
    assert "300 training samples" in artifact.body.quantized.notes[0]


def test_it_is_trained_once_for_all_formats(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = qat.SETTINGS(batch=50, seed=7)
    once = quantize(task, "qat", settings, "pt2", tmp_path / "a")

    def untrained(*_: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(qat, "_train", untrained)
    again = quantize(task, "qat", settings, "pt2", tmp_path / "b")
    onnx = quantize(task, "qat", settings, "onnx", tmp_path / "b")
    assert again.files == once.files
    assert onnx.body.quantized.notes == once.body.quantized.notes
    other = qat.SETTINGS(batch=50, seed=8)
    with pytest.raises(AssertionError, match="trained again"):
        quantize(task, "qat", other, "onnx", tmp_path / "b")


def test_what_was_read_back_is_what_was_trained(task: Task, checkpoint: Checkpoint) -> None:
    """Of the same images, settings and seed: the stored state holds all of it."""
    settings, seen = qat.SETTINGS(batch=20), images(40)
    network = task.network
    graph = qat.trained(network, seen, settings, NOTHING, NO_PROGRESS)
    back = qat._fake_quantized(network, settings)
    back.load_state_dict(graph.state_dict())
    both = [pt2e.converted(qat._in_eval(one)) for one in (graph, back)]
    with torch.no_grad():
        assert torch.equal(*(graph(torch.from_numpy(seen.inputs()[0])) for graph in both))


def test_a_loss_that_is_not_finite_is_refused(task: Task, checkpoint: Checkpoint) -> None:
    broken = images(40)
    broken.stored[0][7] = np.nan
    with pytest.raises(CalibrationError, match="became nan at batch 1; try a lower rate"):
        qat.trained(task.network, broken, qat.SETTINGS(), NOTHING, NO_PROGRESS)


def test_the_loss_is_that_of_the_targets() -> None:
    """Classes, numbers of the output's shape, and nothing else."""
    network = network_of(nn.Linear(4, 3), (4,))
    inputs = np.zeros((6, 4), np.float32)
    answers = torch.randn(6, 3)
    classes = Samples("train", (inputs,), np.arange(6, dtype=np.int32) % 3)
    loss = qat.loss_for(network, classes, qat.Augmentation(label_smoothing=0.1))
    expected = F.cross_entropy(answers, torch.arange(6) % 3, label_smoothing=0.1)
    assert torch.equal(loss(answers, torch.arange(6) % 3), expected)

    numbers = Samples("train", (inputs,), np.zeros((6, 3)))
    loss = qat.loss_for(network, numbers, NOTHING)
    assert torch.equal(loss(answers, torch.zeros(6, 3)), answers.square().mean())

    for targets, why in (
        (np.zeros((6, 2)), r"no loss for targets float64 \[2\] of an output \[3\]"),
        (np.array(["a"] * 6), "no loss for targets <U1"),
        (None, "here are no targets"),
    ):
        with pytest.raises(UnavailableError, match=why):
            qat.loss_for(network, Samples("train", (inputs,), targets), NOTHING)


def test_only_images_are_shifted_and_only_by_a_known_recipe(tmp_path: Path) -> None:
    image, vector = network_of(nn.Flatten(), (1, 8, 8)), network_of(nn.Linear(4, 3), (4,))
    samples = Samples("train", (np.zeros((2, 4), np.float32),), np.zeros(2, np.int64))
    recipe = RECIPES["default"].model_dump(mode="json")
    known = FurtherTraining(samples, recipe, tmp_path, {})
    assert qat.augmentation_of(known, image) == qat.Augmentation(1, 0.05)
    assert qat.augmentation_of(known, vector) == qat.Augmentation(0, 0.05)
    assert qat.augmentation_of(replace(known, recipe=None), image) == NOTHING


def test_a_network_of_vectors_learns_numbers() -> None:
    """Two inputs, and targets of the output's shape."""
    rng = np.random.default_rng(0)
    inputs = tuple(rng.normal(size=shape).astype(np.float32) for shape in ((60, 1, 8, 8), (60, 5)))
    network = small("two_inputs")
    targets = np.ones((60, 3), np.float32)
    settings = qat.SETTINGS(lr=1e-2, batch=20, epochs=3)
    graph = qat.trained(network, Samples("train", inputs, targets), settings, NOTHING, NO_PROGRESS)
    with torch.no_grad():
        before, after = (
            F.mse_loss(module(*map(torch.from_numpy, inputs)), torch.from_numpy(targets))
            for module in (network.module(), graph)
        )
    assert after < before / 2
