"""What is chosen from a layer's shape, and that each choice gives the same bits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantbench.c99 import vnni
from quantbench.c99.emit import emit
from quantbench.c99.graph import Graph, Pooling, Window
from quantbench.c99.lanes import groups, packed, tile
from quantbench.c99.plan import plan
from quantbench.c99.targets import Target
from tests.c99.builder import Builder, lenet
from tests.c99.checking import SANITIZED, native, passes


@given(st.integers(1, 300), st.booleans(), st.integers(1, 9))
def test_every_channel_is_in_one_group(outputs: int, one_place: bool, positions: int) -> None:
    seen = []
    for group in groups(outputs, one_place, positions):
        full = group.count * group.blocks * group.lanes
        seen += range(group.first, group.first + full - group.lanes + group.filled)
    assert seen == list(range(outputs))


@given(st.integers(1, 100), st.integers(1, 9), st.integers(1, 4), st.sampled_from((8, 16)))
def test_tiles_cover_a_row_and_fit_the_registers(
    out_width: int, positions: int, blocks: int, lanes: int
) -> None:
    across = tile(out_width, positions, blocks, lanes)
    assert 1 <= across <= out_width
    assert across == 1 or across * positions * blocks <= 16


def test_what_is_chosen() -> None:
    """Eight lanes where that is enough; two windows a tile there, one with sixteen."""
    assert [group.lanes for group in groups(6, False, 4)] == [8]
    assert [group.lanes for group in groups(24, False, 1)] == [16, 8]
    assert [group.lanes for group in groups(26, False, 1)] == [16]
    assert [group.blocks for group in groups(120, True, 1)] == [7, 1]
    assert tile(14, 4, 1, 8) == 2
    assert tile(5, 4, 1, 16) == 1
    assert tile(32, 1, 4, 16) == 4


@given(st.integers(1, 40), st.integers(1, 3), st.integers(1, 20))
def test_packed_weights_meet_the_values_they_stand_for(
    outputs: int, runs: int, length: int
) -> None:
    rng = np.random.default_rng(length)
    weights = rng.integers(-127, 128, (outputs, runs, length)).astype(np.int16)
    values = rng.integers(0, 256, (runs, length))
    chunks = -(-length // 4)
    starts = [min(4 * chunk, max(0, length - 4)) for chunk in range(chunks)]
    found = np.zeros(outputs, np.int64)
    for group in groups(outputs, False, 1):
        whole = packed(weights, group).astype(np.int64)
        for g, r, chunk, b, lane, k in np.ndindex(*whole.shape):
            channel = group.first + (g * group.blocks + b) * group.lanes + lane
            at = starts[chunk] + k
            if channel < outputs and at < length:
                found[channel] += whole[g, r, chunk, b, lane, k] * values[r, at]
            else:
                assert not whole[g, r, chunk, b, lane, k]
    assert np.array_equal(found, (weights * values).sum(axis=(1, 2)))


def residual() -> Graph:
    build = Builder((3, 9, 11))
    x = build.conv("input", 32, Window((3, 3), pads=(1, 1, 1, 1)))
    y = build.conv(x, 32, Window((3, 3), pads=(1, 1, 1, 1)), activation="clip")
    x = build.add(x, y)
    x = build.conv(x, 70, Window((3, 3), (2, 2), (0, 0, 1, 1)))
    x = build.pool(x, "average", Window((4, 5)))
    return build.graph(build.dense(build.reshape(x, (70,)), 10, activation="none", last=True))


def wide_lenet() -> Graph:
    build = Builder((1, 20, 20))
    halved = Pooling("max", Window((2, 2), (2, 2)))
    x = build.conv("input", 24, Window((5, 5)), pooling=halved)
    x = build.conv(x, 64, Window((3, 3), dilations=(1, 2)), pooling=halved)
    return build.graph(build.dense(build.reshape(x, (x_size(build, x),)), 300))


def overlapping() -> Graph:
    build = Builder((2, 12, 13))
    pooling = Pooling("average", Window((3, 3), (2, 1)))
    return build.graph(build.conv("input", 17, Window((2, 3), (1, 2)), pooling=pooling))


def one_channel(channels: int, window: Window, pooling: Pooling | None, **more: str) -> Graph:
    build = Builder((1, 26, 41))
    return build.graph(build.conv("input", channels, window, pooling=pooling, **more))


def x_size(build: Builder, x: str) -> int:
    return build.tensors[x].size


@pytest.mark.parametrize("channels", [1, 3, 4, 5, 8])
@pytest.mark.parametrize(
    ("window", "pooling"),
    [
        (Window((3, 3), (2, 2), (0, 1, 1, 0)), None),
        (Window((4, 5)), Pooling("max", Window((2, 2), (2, 2)))),
        (Window((1, 7), (2, 1), (1, 3, 1, 3)), Pooling("average", Window((3, 2), (1, 1)))),
    ],
)
def test_places_in_lanes(
    tmp_path: Path, channels: int, window: Window, pooling: Pooling | None
) -> None:
    """Whole registers and tiles that overlap, strides, padding, both poolings, clips."""
    graph = one_channel(channels, window, pooling, activation="clip")
    files = emit(graph, Target.NATIVE).files
    assert "l0_pixels(" in files["model.c"]
    assert passes(files, tmp_path, *SANITIZED, *native()).startswith("PASS")
    assert passes(files, tmp_path, "-O1", *native(), "-mno-avx512vbmi").startswith("PASS")


@pytest.mark.parametrize("make", [lenet, residual, wide_lenet, overlapping])
def test_each_choice_gives_the_same_bits(tmp_path: Path, make: Callable[[], Graph]) -> None:
    graph = make()
    layers = [vnni.code(step) for step in plan(graph).steps]
    assert any(layers)
    files = emit(graph, Target.NATIVE).files
    assert passes(files, tmp_path, "-O2", *native()).startswith("PASS")
    assert passes(files, tmp_path, "-O2", *native(), "-DMODEL_PORTABLE").startswith("PASS")
