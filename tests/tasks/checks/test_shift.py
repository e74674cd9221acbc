from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from quantbench.data import Splits, preprocess
from quantbench.data.mnist import SPEC
from quantbench.samples.records import Array
from quantbench.tasks.checks.shift import inputs_unlike
from tests.tasks.checks.case import evidence, pixels, samples

Generate = Callable[[np.random.Generator, int], Array]


def codes(calibration: Array, test: Array) -> list[str]:
    pair = evidence(
        calibration=samples("calibration", calibration.astype(np.float32)),
        test=samples("test", test.astype(np.float32)),
        shape=calibration.shape[1:],
    )
    return [found.sentence for found in inputs_unlike(pair)]


GENERATED: dict[str, Generate] = {
    "normal": lambda rng, n: rng.normal(size=(n, 1000)),
    "one number": lambda rng, n: rng.normal(size=(n, 1)),
    "lognormal": lambda rng, n: rng.lognormal(0, 2, size=(n, 300)),
    "sparse": lambda rng, n: (rng.random((n, 500)) < 0.01) * rng.exponential(size=(n, 500)),
    "binary": lambda rng, n: (rng.random((n, 50)) < 0.3).astype(float),
    "heavy tails": lambda rng, n: rng.standard_cauchy((n, 100)),
    "series": lambda rng, n: rng.normal(size=(n, 2, 50)).cumsum(2),
    "images": lambda rng, n: rng.normal(
        rng.normal(size=(n, 3, 1, 1)), rng.lognormal(0, 0.5, (n, 3, 1, 1)), (n, 3, 8, 8)
    ),
    "mostly black": lambda rng, n: (rng.random((n, 1, 1, 1)) < 0.2) * rng.random((n, 1, 8, 8)),
    "constant": lambda rng, n: np.full((n, 1, 4, 4), 0.1) + 0 * rng.random(),
}


@pytest.mark.parametrize("kind", GENERATED)
@pytest.mark.parametrize(("first", "second"), [(16, 16), (20, 300), (200, 200)])
def test_draws_from_one_source_are_alike(kind: str, first: int, second: int) -> None:
    for seed in range(8):
        rng = np.random.default_rng(seed)
        drawn = GENERATED[kind](rng, first), GENERATED[kind](rng, second)
        assert codes(*drawn) == []


def test_random_halves_of_mnist_are_alike(mnist: Splits) -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        drawn = preprocess(mnist.train.images[rng.permutation(10_000)[:400]], SPEC)
        assert codes(drawn[:200], drawn[200:]) == []
        flat = drawn.reshape(400, -1)
        assert codes(flat[:200], flat[200:]) == []


def test_the_splits_of_mnist_are_alike(mnist: Splits) -> None:
    calibration, test = (
        preprocess(split.images[:500], SPEC) for split in (mnist.calibration, mnist.test)
    )
    assert codes(calibration, test) == []


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda x: 255 * x, "times as wide"),
        (lambda x: x / 255, "times as wide"),
        (lambda x: x + 0.9, "channel 0 differs by"),
        (lambda x: -x, "channel 0 differs by"),
        (lambda x: np.where(x > x.mean(), 4 * x, x), "spread"),
    ],
    ids=["not scaled", "scaled twice", "another mean", "inverted", "clipped"],
)
def test_another_preparation_is_seen(
    spoil: Callable[[Array], Array], words: str, mnist: Splits
) -> None:
    images = preprocess(mnist.train.images[:400], SPEC)
    (sentence,) = codes(images[:200], spoil(images[200:]))
    assert words in sentence


def test_one_channel_that_differs_is_named() -> None:
    test = pixels(200, 2, 3, 4, 4)
    test[:, 1] += 0.5
    (sentence,) = codes(pixels(200, 1, 3, 4, 4), test)
    assert "channel 1 differs" in sentence


def test_values_beyond_the_range_of_calibration_are_seen() -> None:
    calibration = np.clip(pixels(200, 1, 40), -1.2, 1.2)
    (sentence,) = codes(calibration, pixels(200, 2, 40))
    assert "of the test values lie outside of calibration's range" in sentence


def test_indices_are_no_quantities() -> None:
    tokens = np.arange(400).reshape(400, 1)
    pair = evidence(
        calibration=samples("calibration", tokens[:200]), test=samples("test", tokens[200:]),
        shape=(1,),
    )  # fmt: skip
    assert not list(inputs_unlike(pair))
