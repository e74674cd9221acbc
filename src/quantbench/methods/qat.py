"""Quantization-aware training: the float network trained on with fake quantization (PT2E).

Every weight and activation is rounded in the forward pass as int8 would round it, so training
moves the weights to where rounding costs least. Where quantbench trained the network, images are
shifted and labels smoothed as its recipe did. The loss is cross-entropy for targets that are
classes, and the mean squared error for targets of the output's shape.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias, cast

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field, JsonValue
from torch import Tensor, fx

from quantbench.artifacts.state_file import STATE, read_state, write_state
from quantbench.contracts import Files, FurtherTraining, QuantizeJob
from quantbench.errors import CalibrationError, UnavailableError
from quantbench.export import pt2e
from quantbench.export.needs import torchao as unavailable  # noqa: F401 - the contract's
from quantbench.export.pt2e import PT2ESettings
from quantbench.samples.records import Array, Samples
from quantbench.system.fingerprint import fingerprint
from quantbench.system.machine import versions
from quantbench.system.progress import Progress
from quantbench.system.record import Record
from quantbench.system.store import find, path_for, save
from quantbench.tasks.network import Network
from quantbench.training.batches import Draws, draws_from, shifted
from quantbench.training.recipes import Recipe

FORMATS = pt2e.FORMATS
QUANTIZES = ("Conv1d", "Conv2d", "Linear")
LIBRARIES = pt2e.LIBRARIES


class QATSettings(PT2ESettings):
    """The settings of the further training, with AdamW."""

    epochs: int = Field(default=1, gt=0)
    lr: float = Field(default=1e-4, gt=0, description="AdamW's first rate; it falls to 0")
    batch: int = Field(default=256, gt=0)
    images: int = Field(default=55_000, gt=0, description="training samples to use, at most")
    seed: int = Field(default=1, ge=0)


SETTINGS = QATSettings


class TrainedState(Record):
    """The record of a stored `state.pt`, the fake-quantized graph after training.

    `images`: the number of samples that it was trained on in each epoch.
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
    samples = training.samples.part(0, settings.images)
    augmentation = augmentation_of(training, job.network)
    loss_for(job.network, samples, augmentation)  # before the training of hours
    stored = find(training.folder, "qat", "training", inputs, TrainedState)
    if stored is None:

        def fill(place: Path) -> TrainedState:
            graph = trained(job.network, samples, settings, augmentation, job.progress)
            write_state(place / STATE, graph.state_dict())
            return TrainedState(images=len(samples))

        stored = save(path_for(training.folder, "qat", inputs), "training", inputs, fill)
    graph = _fake_quantized(job.network, settings)
    graph.load_state_dict(read_state(stored.folder / STATE))
    notes = (
        f"trained on for {settings.epochs} epoch(s) of {stored.body.images} training samples, "
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


@dataclass(frozen=True)
class Augmentation:
    """The part of a recipe that changes samples and targets; the default changes nothing."""

    shift: int = 0
    """Random shift of images, in pixels each way."""
    label_smoothing: float = 0.0


Loss: TypeAlias = Callable[[Tensor, Tensor], Tensor]


def augmentation_of(training: FurtherTraining, network: Network) -> Augmentation:
    """The recipe's augmentation; only images [C, H, W] are shifted."""
    if training.recipe is None:
        return Augmentation()
    recipe = Recipe.model_validate(training.recipe)
    images = all(len(spec.shape) == 3 for spec in network.inputs)
    return Augmentation(recipe.shift if images else 0, recipe.label_smoothing)


def loss_for(network: Network, samples: Samples, augmentation: Augmentation) -> Loss:
    """The loss for the samples' targets.

    Cross-entropy where they are classes (integers [N, ...], for an output [N, K, ...]); the mean
    squared error where they are numbers of the output's shape. Raises UnavailableError for others.
    """
    targets, outputs = samples.targets, network.outputs
    if targets is None or len(outputs) != 1:
        what = "no targets" if targets is None else f"{len(outputs)} outputs"
        raise UnavailableError(f"qat needs targets for the one output; here are {what}")
    shape, kind = outputs[0].shape, targets.dtype.kind
    if kind in "iu" and shape[:1] and targets.shape[1:] == shape[1:]:
        return partial(F.cross_entropy, label_smoothing=augmentation.label_smoothing)
    if kind == "f" and targets.shape[1:] == shape:
        return F.mse_loss
    raise UnavailableError(
        f"qat has no loss for targets {targets.dtype} {list(targets.shape[1:])} of an output "
        f"{list(shape)}: it needs classes, or numbers of the output's shape"
    )


def trained(
    network: Network,
    samples: Samples,
    settings: QATSettings,
    augmentation: Augmentation,
    progress: Progress,
) -> fx.GraphModule:
    """The fake-quantized graph of `network` after training, in eval mode.

    One thread: the sums, and so the bytes, don't depend on the number of cores.
    """
    loss = loss_for(network, samples, augmentation)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            graph = _fake_quantized(network, settings)
            _train(graph, samples, settings, augmentation, loss, progress)
    finally:
        torch.set_num_threads(threads)
    return _in_eval(graph)


def _fake_quantized(network: Network, settings: QATSettings) -> fx.GraphModule:
    """The graph with fake quantizers, in train mode.

    A graph shares its parameters with its module, hence the copy.
    """
    graph = pt2e.prepared(copy.deepcopy(network.module()), network, settings, train=True)
    pt2e.set_training(graph, train=True)
    return graph


def _in_eval(graph: fx.GraphModule) -> fx.GraphModule:
    pt2e.set_training(graph, train=False)
    pt2e.require_eval(graph, "training")
    return graph


def _train(
    graph: fx.GraphModule,
    samples: Samples,
    settings: QATSettings,
    augmentation: Augmentation,
    loss_of: Loss,
    progress: Progress,
) -> None:
    """Train with a learning rate that falls linearly to 0.

    Raises CalibrationError at a loss that isn't finite.
    """
    optimizer = torch.optim.AdamW(graph.parameters(), lr=settings.lr, weight_decay=0.0, fused=True)
    draws = draws_from(settings.seed)
    count = math.ceil(len(samples) / settings.batch)
    for epoch in range(settings.epochs):
        shuffled = progress.each(
            _shuffled(samples, settings.batch, augmentation.shift, draws),
            f"training with quantization, epoch {epoch + 1} of {settings.epochs}",
            count,
        )
        for number, (inputs, targets) in enumerate(shuffled):
            done = (epoch * count + number) / (settings.epochs * count)
            optimizer.param_groups[0]["lr"] = settings.lr * (1 - done)
            optimizer.zero_grad()
            loss = loss_of(graph(*inputs), targets)
            if not math.isfinite(value := loss.item()):
                raise CalibrationError(
                    f"the loss of quantization-aware training became {value} at batch "
                    f"{number + 1}; try a lower rate than lr={settings.lr:g}"
                )
            loss.backward()
            optimizer.step()


def _shuffled(
    samples: Samples, batch: int, shift: int, draws: Draws
) -> Iterator[tuple[tuple[Tensor, ...], Tensor]]:
    """Yield every sample once, prepared when its batch comes; the last batch may be smaller."""
    assert samples.targets is not None
    order = torch.randperm(len(samples), generator=draws.order)
    for chosen in order.split(batch):
        places = chosen.numpy()
        stored = tuple(np.asarray(array[places]) for array in samples.stored)
        prepared = (np.ascontiguousarray(array) for array in samples.prepare(stored))
        inputs = tuple(shifted(torch.from_numpy(array), shift, draws.shifts) for array in prepared)
        yield inputs, _targets(samples.targets[places])


def _targets(values: Array) -> Tensor:
    """Classes as int64, numbers as float32."""
    kind = np.float32 if values.dtype.kind == "f" else np.int64
    return torch.from_numpy(np.asarray(values, kind))
