"""Seeded training, stored after every epoch, so that an interrupted run resumes.

The stored state includes the optimisers and the random generators, so a resumed run yields the
same bytes as an uninterrupted one. Training uses one thread: the order of sums, and so the bytes,
don't depend on the number of cores, and a second core gains little at this size.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

import torch
import torch.nn.functional as F
from pydantic import JsonValue
from torch import Tensor, nn

from quantbench.artifacts.state_file import STATE, read_state, write_state
from quantbench.errors import TrainingDivergedError, UsageError
from quantbench.samples.records import Samples
from quantbench.system.fingerprint import fingerprint
from quantbench.system.machine import versions
from quantbench.system.progress import NO_PROGRESS, Progress
from quantbench.system.store import (
    changes,
    find,
    load,
    path_for,
    save,
)
from quantbench.tasks.records import Epoch, Training
from quantbench.tasks.task import Task
from quantbench.training.batches import (
    Draws,
    Images,
    draws_from,
    images_of,
    shuffled_batches,
)
from quantbench.training.checkpoint import KIND, Checkpoint
from quantbench.training.optimizers import Optimizers
from quantbench.training.recipes import Recipe, rate

LOSS_EVERY = 10
_TEST_BATCH = 1000
_THREADS = 1


def train(
    task: Task,
    recipe_name: str,
    recipe: Recipe,
    seed: int,
    parent: Path,
    progress: Progress = NO_PROGRESS,
) -> Checkpoint:
    """The checkpoint for exactly these arguments: the stored one, or newly trained in `parent`.

    Raises TrainingDivergedError when the loss becomes infinite or NaN; the epochs finished before
    stay in `parent`. The global random state and number of threads are left as they were.
    """
    name = f"{task.name}-{task.data}-{recipe_name}-seed{seed}"
    inputs = training_inputs(task, recipe, seed)
    if stored := find(parent, name, KIND, inputs, Training):
        return stored
    if change := changes(parent, name, inputs):
        progress.log(f"training again: {change}")
    threads = torch.get_num_threads()
    torch.set_num_threads(_THREADS)
    try:
        with torch.random.fork_rng(devices=[]):
            return _train(task, recipe_name, recipe, seed, parent, name, inputs, progress)
    finally:
        torch.set_num_threads(threads)


def training_inputs(task: Task, recipe: Recipe, seed: int) -> dict[str, JsonValue]:
    """The inputs under which a checkpoint is stored: all that it depends on."""
    return {
        "model": task.name,
        "data": task.data,
        "train": _train_split(task).sha256,
        "preprocessing": task.preprocessing_sha256,
        "recipe": recipe.model_dump(mode="json"),
        "seed": seed,
        "code": {**fingerprint(__name__, *task.network.sources)},
        "versions": cast(JsonValue, versions(("torch", "numpy"))),
    }


def _train_split(task: Task) -> Samples:
    if task.train is None:
        raise UsageError(f"network '{task.name}' is untrained, and there are no training samples")
    return task.train


def _train(
    task: Task,
    recipe_name: str,
    recipe: Recipe,
    seed: int,
    parent: Path,
    name: str,
    inputs: dict[str, JsonValue],
    progress: Progress,
) -> Checkpoint:
    torch.manual_seed(seed)
    model = task.network.module().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizers = Optimizers(model, recipe)
    record = Training(
        model=task.name,
        data=task.data,
        recipe=recipe_name,
        seed=seed,
        settings=recipe.model_dump(mode="json"),
        threads=torch.get_num_threads(),
        loss_every=LOSS_EVERY,
        losses=(),
        epochs=(),
    )
    draws = draws_from(seed)
    folder = path_for(parent, name, inputs)
    epochs = [folder.with_name(f"{folder.name}.epoch{n + 1}") for n in range(recipe.epochs)]
    done = max((n + 1 for n, path in enumerate(epochs) if path.is_dir()), default=0)
    if done:
        stored = load(epochs[done - 1], "epoch", Training)
        state = read_state(stored.folder / STATE)
        model.load_state_dict(cast(dict[str, Tensor], state["model"]))
        optimizers.load(cast(list[dict[str, object]], state["optimizers"]))
        draws.order.set_state(cast(Tensor, state["order"]))
        draws.shifts.set_state(cast(Tensor, state["shifts"]))
        record = stored.body

    train = images_of(_train_split(task))
    test = images_of(task.test)
    for epoch in range(done, recipe.epochs):
        start = time.perf_counter()
        last_good = epochs[epoch - 1] if epoch else None
        losses = _epoch(model, optimizers, recipe, train, draws, epoch, progress, last_good)
        loss, accuracy = evaluate(model, test)
        if not math.isfinite(loss):
            raise _diverged(loss, f"on the test images after epoch {epoch + 1}", recipe, last_good)
        seconds = time.perf_counter() - start
        entry = Epoch(epoch=epoch + 1, test_loss=loss, test_accuracy=accuracy, seconds=seconds)
        record = record.model_copy(
            update={"losses": (*record.losses, *losses), "epochs": (*record.epochs, entry)}
        )
        state = {
            "model": model.state_dict(),
            "optimizers": optimizers.state(),
            "order": draws.order.get_state(),
            "shifts": draws.shifts.get_state(),
        }
        save(epochs[epoch], "epoch", inputs, _filler(state, record))
    checkpoint = save(folder, KIND, inputs, _filler(model.state_dict(), record))
    for path in epochs:
        shutil.rmtree(path)
    return checkpoint


def _filler(state: Mapping[str, object], record: Training) -> Callable[[Path], Training]:
    def fill(folder: Path) -> Training:
        write_state(folder / STATE, state)
        return record

    return fill


def _epoch(
    model: nn.Module,
    optimizers: Optimizers,
    recipe: Recipe,
    train: Images,
    draws: Draws,
    epoch: int,
    progress: Progress,
    last_good: Path | None,
) -> list[float]:
    """Train for one epoch and return the loss of every `LOSS_EVERY`-th batch."""
    batches = math.ceil(len(train.labels) / recipe.batch)
    steps = batches * recipe.epochs
    losses = []
    model.train()
    shuffled = progress.each(
        shuffled_batches(train, recipe.batch, recipe.shift, draws),
        f"training, epoch {epoch + 1} of {recipe.epochs}",
        batches,
    )
    for number, (inputs, labels) in enumerate(shuffled):
        model.zero_grad()
        loss = F.cross_entropy(model(inputs), labels, label_smoothing=recipe.label_smoothing)
        if not math.isfinite(value := loss.item()):
            raise _diverged(value, f"at epoch {epoch + 1}, batch {number + 1}", recipe, last_good)
        loss.backward()
        optimizers.step(rate(recipe, (epoch * batches + number) / steps))
        if number % LOSS_EVERY == 0:
            losses.append(value)
    return losses


def _diverged(
    loss: float, where: str, recipe: Recipe, last_good: Path | None
) -> TrainingDivergedError:
    kept = f"the last good state is {last_good}" if last_good else "no epoch was finished"
    return TrainingDivergedError(
        f"the loss became {loss} {where}; {kept}; try a lower rate than lr={recipe.lr:g}"
    )


def evaluate(model: nn.Module, images: Images) -> tuple[float, float]:
    """Mean negative log likelihood, in nats, and accuracy, a fraction, in eval mode."""
    model.eval()
    with torch.inference_mode():
        logits = torch.cat([model(batch) for batch in images.inputs.split(_TEST_BATCH)])
    loss = F.cross_entropy(logits, images.labels).item()
    return loss, (logits.argmax(1) == images.labels).float().mean().item()
