from __future__ import annotations

import pytest

from quantbench.explain.limit import limit_of
from quantbench.explain.peaks import CacheSizes
from quantbench.explain.records import Peaks
from quantbench.numerics.coverage import LayerNumerics

PEAKS = Peaks(
    macs_per_us={"sse2 int8": 1e3, "avx2 int8 pmaddubsw": 4e3, "avx2 float32": 2e3},
    bytes_per_us={"l1": 100.0, "l2": 50.0, "memory": 10.0},
)
SIZES = CacheSizes(l1=1_000, l2=10_000, last=100_000)


def layer(macs: int, *, integer: bool) -> LayerNumerics:
    plain = LayerNumerics.in_float32("conv", "Conv2d", macs, "")
    return plain.model_copy(update={"integer": integer})


def test_arithmetic_is_bound_by_the_best_instructions_for_each_format() -> None:
    layers = (layer(8_000, integer=True), layer(6_000, integer=False))
    limit = limit_of(layers, 100, batch=3, threads=1, total_us=30.0, peaks=PEAKS, sizes=SIZES)
    assert limit.compute_us == pytest.approx(3 * (8_000 / 4e3 + 6_000 / 2e3))
    assert limit.memory_us == pytest.approx(1.0)
    assert (limit.bound_by, limit.share) == ("compute", pytest.approx(0.5))


@pytest.mark.parametrize(("weights", "rate"), [(1_000, 100.0), (10_000, 50.0), (10_001, 10.0)])
def test_weights_are_read_once_from_the_memory_that_holds_them(weights: int, rate: float) -> None:
    """A layer of so many weights and one sample has as many multiply-adds: memory is the limit."""
    layers = (layer(weights, integer=True),)
    limit = limit_of(layers, weights, 1, 1, 10_000.0, PEAKS, SIZES)
    assert limit.memory_us == pytest.approx(weights / rate)
    assert limit.bound_by == "memory"


def test_nothing_is_beyond_the_limit() -> None:
    assert limit_of((layer(8_000, integer=True),), 1, 1, 1, 0.5, PEAKS, SIZES).share == 1.0
