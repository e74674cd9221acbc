"""The autoencoder of MLPerf Tiny, which restores spectra of machine sounds: a regression."""

from __future__ import annotations

import itertools

import torch.nn.functional as F
from torch import Tensor, nn

from quantbench.samples.records import Array, Arrays
from quantbench.tasks.network import TensorSpec
from tests.families import generate
from tests.families.family import Family, Outputs, channels

FEATURES, CODE = 640, 8


def build(width: float) -> nn.Module:
    hidden = channels(128, width)
    sizes = (FEATURES, *[hidden] * 4, CODE, *[hidden] * 4)
    parts: list[nn.Module] = []
    for before, after in itertools.pairwise(sizes):
        parts += [nn.Linear(before, after), nn.BatchNorm1d(after), nn.ReLU()]
    return nn.Sequential(*parts, nn.Linear(hidden, FEATURES))


def inputs(width: float) -> tuple[TensorSpec, ...]:
    return (TensorSpec(name="spectra", shape=(FEATURES,)),)


def samples(width: float, count: int, seed: int) -> tuple[Arrays, Array]:
    spectra = generate.mixtures(FEATURES, CODE, count, seed)
    return (spectra,), spectra


def squared_error(outputs: Outputs, targets: Tensor) -> Tensor:
    return F.mse_loss(outputs[0], targets)


FAMILY = Family(
    "Autoencoder", "MLPerf Tiny: Banbury et al., 2021", build, inputs, samples,
    parameters=269_992, macs=264_192, counts_statistics=True, loss=squared_error,
    metric="mean_squared_error",
)  # fmt: skip
