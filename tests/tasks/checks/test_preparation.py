from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from quantbench.samples.records import Array
from quantbench.tasks.checks.preparation import inputs_of_bytes, inputs_unlike_training
from tests.tasks.checks.case import evidence, pixels, samples

SHAPE = (3, 8, 8)


def trained(norm_first: bool = False) -> nn.Module:
    """A network whose batch norm has seen many normal samples."""
    torch.manual_seed(1)
    first = [nn.BatchNorm2d(3)] if norm_first else [nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6)]
    module = nn.Sequential(*first, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()).train()
    with torch.no_grad():
        for seed in range(60):
            module(torch.from_numpy(pixels(32, seed, *SHAPE)))
    return module.eval()


def unlike_training(module: nn.Module, array: Array) -> list[str]:
    seen = evidence(module, test=samples("test", array), shape=SHAPE)
    return [found.sentence for found in inputs_unlike_training(seen)]


@pytest.mark.parametrize("norm_first", [False, True])
def test_the_samples_of_its_training_pass(norm_first: bool) -> None:
    module = trained(norm_first)
    for seed in range(100, 130):
        for count in (1, 8, 64):
            assert unlike_training(module, pixels(count, seed, *SHAPE)) == []
    dimmed = 0.5 * pixels(64, 3, *SHAPE) + 0.5
    assert unlike_training(module, dimmed) == []


@pytest.mark.parametrize("norm_first", [False, True])
def test_samples_that_are_not_normalised_are_seen(norm_first: bool) -> None:
    module = trained(norm_first)
    (wide,) = unlike_training(module, 60 * pixels(64, 3, *SHAPE) + 120)
    assert "times as wide as in its training" in wide
    (narrow,) = unlike_training(module, pixels(64, 3, *SHAPE) / 255)
    assert "times as wide as in its training" in narrow


def test_a_mean_that_is_far_away_is_seen() -> None:
    (away,) = unlike_training(trained(norm_first=True), pixels(64, 3, *SHAPE) + 4)
    assert "standard deviations away" in away


def test_a_batch_norm_without_a_training_says_nothing() -> None:
    fresh = nn.Sequential(nn.BatchNorm2d(3), nn.Flatten())
    assert unlike_training(fresh, 255 * pixels(64, 3, *SHAPE)) == []


def bytes_of(module: nn.Module, array: Array) -> list[str]:
    seen = evidence(module, test=samples("test", array), shape=SHAPE)
    return [found.code for found in inputs_of_bytes(seen)]


def test_pictures_of_bytes_are_seen_where_no_batch_norm_can_tell() -> None:
    plain = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten())
    whole = np.random.default_rng(1).integers(0, 256, (64, *SHAPE)).astype(np.float32)
    assert bytes_of(plain, whole) == ["inputs-of-bytes"]
    assert bytes_of(trained(), whole) == []  # inputs_unlike_training speaks
    assert bytes_of(plain, whole / 255) == []
    assert bytes_of(plain, whole - 128) == []
    assert bytes_of(plain, (whole > 128).astype(np.float32)) == []
    assert bytes_of(plain, pixels(64, 1, *SHAPE)) == []
