"""What is chosen from a layer's shape, and that each choice gives the same bits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantbench.c99.generate import emit
from quantbench.c99.ir.graph import Graph, Node, Pooling, Window
from quantbench.c99.nodes.conv import Conv
from quantbench.c99.nodes.dense import Dense
from quantbench.c99.passes.layout import plan
from quantbench.c99.simd import maddubs, select
from quantbench.c99.simd.tiling import (
    ConvGeometry,
    chunks,
    groups,
    packed,
    register_tiles,
    tile_width,
)
from quantbench.c99.target.isa import (
    AVX2,
    AVX512VNNI,
    ISAS,
    NEON,
    Isa,
)
from quantbench.c99.target.target import Target
from tests.c99.builder import Builder, lenet
from tests.c99.checking import SANITIZED, chosen, native, ran

drawn_sets = st.sampled_from(ISAS)


def shape(
    outputs: int, out_width: int = 8, positions: tuple[int, int] = (1, 1), length: int = 9
) -> ConvGeometry:
    """Of a convolution whose windows are one run."""
    weights = np.random.default_rng(length).integers(-127, 128, (outputs, 1, length))
    pooling = Pooling("average", Window(positions, positions))
    window = Window((1, length))
    return ConvGeometry(
        100, 1, outputs, out_width, out_width, window, pooling, weights.astype(np.int16)
    )


@pytest.mark.parametrize(
    ("out_width", "length", "width", "products"), [(7, 512, 48, 7), (8, 512, 64, 4), (7, 64, 64, 4)]
)
def test_a_row_of_seven_is_one_tile(out_width: int, length: int, width: int, products: int) -> None:
    """Of three blocks of channels; where a window is small, or four divide a row, of four."""
    geometry = shape(512, out_width, length=length)
    first = groups(geometry)[0]
    (tile,) = register_tiles(first, geometry, AVX512VNNI)
    assert (first.width, tile_width(geometry, tile, AVX512VNNI)) == (width, products)


@given(st.integers(1, 300), st.integers(1, 2), st.sampled_from(((1, 1), (2, 2), (3, 3))))
def test_every_channel_is_in_one_group(
    outputs: int, out_width: int, positions: tuple[int, int]
) -> None:
    seen: list[int] = []
    for group in groups(shape(outputs, out_width, positions)):
        end = (group.count - 1) * group.width + group.filled
        seen += range(group.first, group.first + end)
    assert seen == list(range(outputs))


@given(drawn_sets, st.integers(1, 300), st.integers(1, 2), st.sampled_from(((1, 1), (2, 2))))
def test_every_channel_of_a_group_is_in_one_pass(
    isa: Isa, outputs: int, out_width: int, positions: tuple[int, int]
) -> None:
    layer = shape(outputs, out_width, positions)
    for group in groups(layer):
        seen: list[int] = []
        for one in register_tiles(group, layer, isa):
            assert one.blocks * layer.positions <= max(isa.accumulators, layer.positions)
            end = one.channel(one.blocks - 1) + one.filled
            seen += range(one.first, end)
        assert seen == list(range(group.filled))


@given(drawn_sets, st.integers(1, 40), st.integers(1, 100), st.integers(1, 3))
def test_tiles_cover_a_row_and_fit_the_registers(
    isa: Isa, outputs: int, out_width: int, pooled: int
) -> None:
    layer = shape(outputs, out_width, (pooled, pooled))
    for group in groups(layer):
        for one in register_tiles(group, layer, isa):
            across = tile_width(layer, one, isa)
            assert 1 <= across <= out_width
            together = across * layer.positions * one.blocks
            assert across == 1 or together <= isa.accumulators


def first(layer: ConvGeometry, isa: Isa) -> tuple[int, int, int]:
    """Of the first pass: bits of its registers, blocks of channels, outputs a tile."""
    one = register_tiles(groups(layer)[0], layer, isa)[0]
    return one.bits, one.blocks, tile_width(layer, one, isa)


def test_what_is_chosen() -> None:
    """Half registers where those are enough, two windows a tile there; as many channels and
    places as there are registers; all registers for channels where there is one place.
    """
    pooled = (2, 2)
    assert first(shape(6, 14, pooled), AVX512VNNI) == (256, 1, 2)
    assert first(shape(16, 5, pooled), AVX512VNNI) == (512, 1, 1)
    assert first(shape(64, 32), AVX512VNNI) == (512, 4, 4)
    assert first(shape(120, 1), AVX512VNNI) == (512, 7, 1)
    assert first(shape(16, 5, pooled), AVX2) == (256, 2, 1)
    assert first(shape(64, 32), AVX2) == (256, 2, 4)
    assert first(shape(120, 1), AVX2) == (256, 7, 1)
    assert first(shape(16, 5, pooled), NEON) == (128, 4, 1)


@given(drawn_sets, st.integers(1, 40), st.integers(1, 20))
def test_packed_weights_meet_the_values_they_stand_for(isa: Isa, outputs: int, length: int) -> None:
    layer = shape(outputs, length=length)
    values = np.random.default_rng(length).integers(0, 256, length + isa.lanes_per_product)
    found = np.zeros(outputs, np.int64)
    pieces = chunks(length, isa.lanes_per_product)
    for group in groups(layer):
        whole = packed(layer.weights, group, isa.lanes_per_product).astype(np.int64)
        for g, _, chunk, lane, k in np.ndindex(*whole.shape):
            channel, at = group.first + g * group.width + lane, pieces[chunk][0] + k
            if isa.lanes_per_product == 4 and at >= length:
                assert not whole[g, 0, chunk, lane, k]
            elif channel < outputs:
                found[channel] += whole[g, 0, chunk, lane, k] * values[at]
    assert np.array_equal(found, (layer.weights[:, 0] * values[:length]).sum(axis=1))


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
    assert "model_l0_pixels(" in files["model.c"]
    assert ran(files, tmp_path, *SANITIZED, *native()).startswith("PASS")


def test_places_in_lanes_of_pairs(tmp_path: Path) -> None:
    """Where windows are two apart, with a row of taps that is odd and pads."""
    pooling = Pooling("max", Window((2, 2), (2, 2)))
    graph = one_channel(6, Window((5, 5), pads=(1, 0, 2, 3)), pooling, activation="clip")
    files = emit(graph, Target.NATIVE).files
    assert "model_l0_pairs(" in files["model.c"]
    assert ran(files, tmp_path, *SANITIZED, *chosen(AVX2)).startswith("PASS")


@given(st.integers(1, 40), st.integers(1, 12), st.integers(0, 2**16))
def test_bins_hold_each_chunk_once_within_16_bits(chunks: int, lanes: int, seed: int) -> None:
    loads = np.random.default_rng(seed).integers(0, 129, (chunks, lanes))
    found = maddubs.binned(loads)
    assert sorted(chunk for one in found for chunk in one) == list(range(chunks))
    for one in found:
        assert 1 <= len(one) <= maddubs.DEPTH
        assert loads[one].sum(axis=0).max() * 255 <= 32767
    assert [len(one) for one in found] == sorted((len(one) for one in found), reverse=True)


@pytest.mark.parametrize(("largest", "fit"), [(64, True), (65, False)])
def test_sums_of_16_bits_only_where_the_weights_prove_them(
    tmp_path: Path, largest: int, fit: bool
) -> None:
    """All weights as large as they may be, of both signs, and golden images of 255."""
    graph = residual()
    signs = (1, -1)

    def extreme(node: Node) -> Node:
        if not isinstance(node, Conv | Dense):
            return node
        sign = np.array(signs)[np.arange(len(node.weights)) % 2]
        filled = (largest * sign).reshape(-1, *[1] * (node.weights.ndim - 1))
        return replace(node, weights=np.broadcast_to(filled, node.weights.shape).astype(np.int16))

    graph = replace(graph, nodes=tuple(extreme(node) for node in graph.nodes))
    files = emit(graph, Target.NATIVE).files
    assert ("model_l0_0_0_bins[" in files["model.c"]) is fit
    assert ran(files, tmp_path, "-O2", *chosen(AVX2)).startswith("PASS")


@pytest.mark.parametrize("isa", [*ISAS, None], ids=lambda one: one.macro if one else "none")
@pytest.mark.parametrize("make", [lenet, residual, wide_lenet, overlapping])
def test_each_choice_gives_the_same_bits(
    tmp_path: Path, make: Callable[[], Graph], isa: Isa | None
) -> None:
    graph = make()
    if isa:
        assert any(select.code(step, isa) for step in plan(graph).steps)
    files = emit(graph, Target.NATIVE).files
    assert ran(files, tmp_path, "-O2", *chosen(isa)).startswith("PASS")
