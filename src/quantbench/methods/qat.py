"""Quantization-aware training: the float network trained on with fake quantization (PT2E).

Every weight and activation is rounded in the forward pass as int8 would round it, so training
moves the weights to where rounding costs least. Images are moved and labels smoothed as the
checkpoint's own recipe did.
"""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import cast

import torch
import torch.nn.functional as F
from pydantic import Field, JsonValue
from torch import fx

from quantbench.artifacts.state_file import STATE, read_state, write_state
from quantbench.contracts import Files, FurtherTraining, QuantizeJob
from quantbench.errors import CalibrationError, UnavailableError
from quantbench.export import pt2e
from quantbench.export.needs import torchao as unavailable  # noqa: F401 - the contract's
from quantbench.export.pt2e import PT2ESettings
from quantbench.system.fingerprint import fingerprint
from quantbench.system.machine import versions
from quantbench.system.progress import Progress
from quantbench.system.record import Record
from quantbench.system.store import find, path_for, save
from quantbench.training.batches import Images, draws_from, shuffled_batches
from quantbench.training.recipes import Recipe

FORMATS = pt2e.FORMATS
LIBRARIES = pt2e.LIBRARIES


class QATSettings(PT2ESettings):
    """The settings of the further training, with AdamW."""

    epochs: int = Field(default=1, gt=0)
    lr: float = Field(default=1e-4, gt=0, description="AdamW's first rate; it falls to 0")
    batch: int = Field(default=256, gt=0)
    images: int = Field(default=55_000, gt=0, description="training images to use, at most")
    seed: int = Field(default=1, ge=0)


SETTINGS = QATSettings


class TrainedState(Record):
    """The record of a stored `state.pt`, the fake-quantized graph after training.

    `images`: how many it was trained on in each epoch.
    """

    images: int


def quantize(job: QuantizeJob[QATSettings]) -> Files:
    """Train with fake quantization, then convert.

    The training is stored beside the checkpoint, and each format starts from it. Raises
    UnavailableError without training samples, CalibrationError at a loss that isn't finite.
    """
    settings, training = job.settings, job.training
    if training is None:
        raise UnavailableError("qat trains on, and this task has no training samples")
    inputs = trained_from(training, settings)
    stored = find(training.folder, "qat", "training", inputs, TrainedState)
    if stored is None:

        def fill(place: Path) -> TrainedState:
            images = Images(
                torch.from_numpy(training.inputs()[: settings.images]),
                torch.from_numpy(training.labels[: settings.images].copy()),
            )
            recipe = Recipe.model_validate(training.recipe)
            graph = trained(job.network(), job.input_shape, images, settings, recipe, job.progress)
            write_state(place / STATE, graph.state_dict())
            return TrainedState(images=len(images.labels))

        stored = save(path_for(training.folder, "qat", inputs), "training", inputs, fill)
    graph = _fake_quantized(job.network(), job.input_shape, settings)
    graph.load_state_dict(read_state(stored.folder / STATE))
    notes = (
        f"trained on for {settings.epochs} epoch(s) of {stored.body.images} training images, "
        f"lr {settings.lr:g}",
    )
    return pt2e.written(pt2e.converted(_in_eval(graph)), job, notes)


def trained_from(training: FurtherTraining, settings: QATSettings) -> dict[str, JsonValue]:
    """Everything that the training depends on: the job's inputs, this code, settings, libraries."""
    return {
        **training.depends_on,
        "settings": settings.model_dump(mode="json"),
        "method_code": {**fingerprint(__name__)},
        "versions": cast(JsonValue, versions(LIBRARIES)),
    }


def trained(
    model: torch.nn.Module,
    input_shape: tuple[int, ...],
    images: Images,
    settings: QATSettings,
    recipe: Recipe,
    progress: Progress,
) -> fx.GraphModule:
    """The fake-quantized graph after training, in eval mode. `model` is not changed.

    One thread: the sums, and so the bytes, don't depend on the number of cores.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            graph = _fake_quantized(model, input_shape, settings)
            _train(graph, images, settings, recipe, progress)
    finally:
        torch.set_num_threads(threads)
    return _in_eval(graph)


def _fake_quantized(
    model: torch.nn.Module, input_shape: tuple[int, ...], settings: QATSettings
) -> fx.GraphModule:
    """The graph with fake quantizers, in train mode.

    A graph shares its parameters with its model, hence the copy.
    """
    graph = pt2e.prepared(
        copy.deepcopy(model), input_shape, reduce_range=settings.reduce_range, train=True
    )
    pt2e.set_training(graph, train=True)
    return graph


def _in_eval(graph: fx.GraphModule) -> fx.GraphModule:
    pt2e.set_training(graph, train=False)
    pt2e.require_eval(graph, "training")
    return graph


def _train(
    graph: fx.GraphModule, images: Images, settings: QATSettings, recipe: Recipe, progress: Progress
) -> None:
    """Train with a learning rate that falls linearly to 0.

    Raises CalibrationError at a loss that isn't finite.
    """
    optimizer = torch.optim.AdamW(graph.parameters(), lr=settings.lr, weight_decay=0.0, fused=True)
    draws = draws_from(settings.seed)
    count = math.ceil(len(images.labels) / settings.batch)
    for epoch in range(settings.epochs):
        shuffled = progress.each(
            shuffled_batches(images, settings.batch, recipe.shift, draws),
            f"training with quantization, epoch {epoch + 1} of {settings.epochs}",
            count,
        )
        for number, (inputs, labels) in enumerate(shuffled):
            done = (epoch * count + number) / (settings.epochs * count)
            optimizer.param_groups[0]["lr"] = settings.lr * (1 - done)
            optimizer.zero_grad()
            loss = F.cross_entropy(graph(inputs), labels, label_smoothing=recipe.label_smoothing)
            if not math.isfinite(value := loss.item()):
                raise CalibrationError(
                    f"the loss of quantization-aware training became {value} at batch "
                    f"{number + 1}; try a lower rate than lr={settings.lr:g}"
                )
            loss.backward()
            optimizer.step()
