from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import torch

from quantbench.artifacts.state_file import STATE
from quantbench.errors import ArtifactError, TrainingDivergedError
from quantbench.samples.records import Samples
from quantbench.studies.load import load_task
from quantbench.tasks.task import Task
from quantbench.training import batches
from quantbench.training import train as training
from quantbench.training.checkpoint import Checkpoint, load_checkpoint, with_weights
from quantbench.training.recipes import RECIPES, Recipe
from quantbench.training.train import train
from tests import tiny
from tests.progress import Recorded, Stopped, Stopping

T = TypeVar("T")
RECIPE = Recipe(
    optimizer="muon", lr=0.02, momentum=0.9, batch=64, epochs=3, schedule="one_cycle",
    label_smoothing=0.05, shift=1, weight_decay=0.01,
)  # fmt: skip


@pytest.fixture
def task() -> Task:
    """A network and a set so small that an epoch is a blink."""
    return part(tiny.task("mlp"), train=128, test=50)


def part(task: Task, train: int, test: int) -> Task:
    assert task.train is not None
    return replace(task, train=task.train.part(0, train), test=task.test.part(0, test))


def run(task: Task, parent: Path, recipe: Recipe = RECIPE, seed: int = 1) -> Checkpoint:
    return train(task, "test", recipe, seed, parent)


def bytes_of(checkpoint: Checkpoint) -> bytes:
    return (checkpoint.folder / STATE).read_bytes()


@pytest.mark.parametrize("recipe", [RECIPE, RECIPES["reference"]], ids=["muon", "sgd"])
def test_a_seed_fixes_the_bytes(task: Task, tmp_path: Path, recipe: Recipe) -> None:
    first = run(task, tmp_path / "a", recipe)
    torch.rand(3)  # the global generator is elsewhere now
    same = run(task, tmp_path / "b", recipe)
    other_seed = run(task, tmp_path / "c", recipe, seed=2)
    assert bytes_of(first) == bytes_of(same)
    assert bytes_of(first) != bytes_of(other_seed)
    assert first.body.losses == same.body.losses


def test_training_leaves_the_callers_generator_and_threads(task: Task, tmp_path: Path) -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    threads = torch.get_num_threads()
    run(task, tmp_path)
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize("finished", [0, 1, 2])
def test_stopped_and_gone_on_gives_the_same_bytes(
    task: Task, tmp_path: Path, finished: int
) -> None:
    whole = run(task, tmp_path / "whole")

    stops = Stopping(f"training, epoch {finished + 1} ", at=1)
    with pytest.raises(Stopped):
        train(task, "test", RECIPE, 1, tmp_path / "parts", stops)
    assert len(list((tmp_path / "parts").glob("*"))) == finished
    progress = Recorded()
    parts = train(task, "test", RECIPE, 1, tmp_path / "parts", progress)
    assert [(description, total) for description, total, _ in progress.loops] == [
        (f"training, epoch {n} of 3", 2) for n in range(finished + 1, 4)
    ]
    assert bytes_of(parts) == bytes_of(whole)
    assert parts.body.losses == whole.body.losses
    assert [epoch.epoch for epoch in parts.body.epochs] == [1, 2, 3]
    assert list((tmp_path / "parts").iterdir()) == [parts.folder]


def test_a_finished_training_is_found(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = run(task, tmp_path)
    monkeypatch.setattr(training, "_train", None)
    again = run(task, tmp_path)
    assert again == trained
    assert load_checkpoint(again.folder) == trained


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"lr": 0.01}, "training again: recipe.lr 0.02 -> 0.01"),
        ({"shift": 0, "epochs": 1}, "training again: recipe.epochs 3 -> 1, recipe.shift 1 -> 0"),
    ],
)
def test_a_changed_setting_trains_again_and_is_told(
    task: Task, tmp_path: Path, changed: dict[str, float], message: str
) -> None:
    before = run(task, tmp_path)
    progress = Recorded()
    after = train(task, "test", RECIPE.model_copy(update=changed), 1, tmp_path, progress)
    assert progress.lines == [message]
    assert bytes_of(after) != bytes_of(before)
    assert before.folder.is_dir()


def test_other_training_images_train_again(task: Task, tmp_path: Path) -> None:
    before = run(task, tmp_path)
    progress = Recorded()
    fewer = part(task, train=100, test=50)
    after = train(fewer, "test", RECIPE, 1, tmp_path, progress)
    assert progress.lines == ["training again: train changed"]
    assert after.folder != before.folder


def test_no_test_or_calibration_image_has_a_say(task: Task, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)

    def noise(samples: Samples) -> Samples:
        assert samples.targets is not None
        images = rng.integers(0, 256, samples.stored[0].shape, dtype=np.uint8)
        return replace(samples, stored=(images,), targets=samples.targets[::-1].copy())

    changed = replace(task, test=noise(task.test), calibration=noise(task.calibration))
    first, second = run(task, tmp_path / "a"), run(changed, tmp_path / "b")
    assert bytes_of(first) == bytes_of(second)
    assert first.body.losses == second.body.losses
    assert first.body.epochs[-1].test_loss != second.body.epochs[-1].test_loss


def test_the_record_is_what_happened(task: Task, tmp_path: Path) -> None:
    recipe = RECIPE.model_copy(update={"batch": 10})  # 13 batches an epoch: losses at 0 and 10
    trained = run(task, tmp_path, recipe)
    assert len(trained.body.losses) == 2 * 3
    assert trained.body.loss_every == 10
    assert [epoch.epoch for epoch in trained.body.epochs] == [1, 2, 3]
    assert trained.body.settings == recipe.model_dump(mode="json")
    assert (trained.body.model, trained.body.data, trained.body.seed) == ("mlp", "mnist", 1)
    model = with_weights(task, trained).network.module()
    assert not model.training
    with torch.inference_mode():
        logits = model(torch.from_numpy(task.test.inputs()[0]))
    right = (logits.argmax(1).numpy() == task.test.targets).mean()
    assert trained.body.epochs[-1].test_accuracy == pytest.approx(right, abs=1e-6)


@pytest.mark.parametrize("good", [0, 1])
def test_a_loss_that_is_no_number_stops_and_keeps_what_was_good(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, good: int
) -> None:
    cross_entropy, calls = training.F.cross_entropy, []

    def broken(*args: torch.Tensor, **options: float) -> torch.Tensor:
        if "label_smoothing" in options:
            calls.append(1)
        loss = cross_entropy(*args, **options)
        return loss * float("nan") if len(calls) == 2 * good + 2 else loss

    monkeypatch.setattr(training.F, "cross_entropy", broken)
    with pytest.raises(TrainingDivergedError) as caught:
        run(task, tmp_path)
    message = str(caught.value)
    assert f"epoch {good + 1}, batch 2" in message
    assert "lr=0.02" in message
    kept = list(tmp_path.iterdir())
    assert len(kept) == good
    assert all(str(folder) in message for folder in kept)
    monkeypatch.undo()
    assert bytes_of(run(task, tmp_path)) == bytes_of(run(task, tmp_path / "whole"))


@pytest.mark.parametrize("batch", [64, 1000])
def test_a_rate_that_is_too_high_is_said_to_be(task: Task, tmp_path: Path, batch: int) -> None:
    """With one batch an epoch the loss is a number until the test set is seen."""
    recipe = Recipe(optimizer="sgd", lr=1e30, batch=batch, epochs=2)
    with pytest.raises(TrainingDivergedError, match=r"try a lower rate than lr=1e\+30") as caught:
        run(task, tmp_path, recipe)
    assert len(str(caught.value).splitlines()) == 1
    assert not any(path.name.endswith("epoch2") for path in tmp_path.iterdir())


def test_an_epoch_that_was_edited_is_refused(task: Task, tmp_path: Path) -> None:
    stops = Stopping("training, epoch 2")
    with pytest.raises(Stopped):
        train(task, "test", RECIPE, 1, tmp_path, stops)
    (epoch,) = tmp_path.iterdir()
    (epoch / STATE).write_bytes(b"edited")
    with pytest.raises(ArtifactError, match=f"{epoch / STATE} is not the file that was saved"):
        run(task, tmp_path)


def test_a_checkpoint_of_another_model_is_refused(task: Task, tmp_path: Path) -> None:
    trained = run(task, tmp_path)
    with pytest.raises(ArtifactError, match="is not a state of model 'lenet'"):
        with_weights(tiny.task("lenet"), trained).network.module()


@pytest.mark.parametrize("max_shift", [1, 4])
def test_shifts_move_whole_images(max_shift: int) -> None:
    inputs = torch.rand(40, 1, 12, 12)
    moved = batches.shifted(inputs, max_shift, torch.Generator().manual_seed(1))
    padded = torch.nn.functional.pad(inputs, (max_shift,) * 4, mode="replicate")
    span = range(2 * max_shift + 1)
    seen = set()
    for image, original in zip(moved, padded, strict=True):
        places = [
            (top, left)
            for top in span
            for left in span
            if torch.equal(image, original[:, top : top + 12, left : left + 12])
        ]
        assert len(places) == 1
        seen.update(places)
    assert {top for top, _ in seen} == {left for _, left in seen} == set(span)


def test_no_shift_is_no_copy() -> None:
    inputs = torch.rand(4, 1, 12, 12)
    assert batches.shifted(inputs, 0, torch.Generator()) is inputs


@pytest.mark.slow
def test_the_default_recipe_reaches_its_goal(tmp_path: Path) -> None:
    task = load_task("lenet", "mnist")
    trained = train(task, "default", RECIPES["default"], 2, tmp_path)
    assert trained.body.epochs[-1].epoch == 3
    assert trained.body.epochs[-1].test_accuracy >= 0.993
