"""Depthwise and grouped convolutions: what is chosen from the shape, and the same bits each way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantbench.c99.emit.library import Options
from quantbench.c99.generate import emit
from quantbench.c99.ir.graph import Graph, Pooling, Window
from quantbench.c99.passes.layout import plan
from quantbench.c99.simd import depthwise_one_pass, select
from quantbench.c99.simd.depthwise_plan import DepthwisePlan, Lanes, Tap, best_plan
from quantbench.c99.target.isa import AVX2, AVX512VNNI, AVXVNNI, ISAS, NEON, SSE2, Isa
from quantbench.c99.target.target import Target
from tests.c99.builder import Builder, places
from tests.c99.checking import SANITIZED, chosen, ran

X86 = (AVX512VNNI, AVX2, SSE2)
SAME = (1, 1, 1, 1)
THREE = Window((3, 3), pads=SAME)
HALVING = Window((3, 3), (2, 2), SAME)


def planned(channels: int, window: Window, sides: tuple[int, int], bytes: int) -> DepthwisePlan:
    return best_plan(bytes, channels, window, *places(sides, window))


@pytest.mark.parametrize(
    ("channels", "window", "pixels", "rows", "sets", "products"),
    [
        (64, THREE, 1, 2, 1, 3),  # one set of four rows, its neighbours for the other columns
        (32, THREE, 2, 2, 1, 3),
        (16, THREE, 4, 2, 1, 3),
        (8, THREE, 8, 2, 1, 3),  # a pixel isn't 16 bytes: another plane for the odd column
        (12, THREE, 5, 2, 3, 3),
        (24, THREE, 0, 2, 1, 3),  # pixels don't fill the register: a flat row
        (96, THREE, 0, 2, 1, 3),
        (26, THREE, 2, 2, 3, 3),  # nor are they whole quads: a set for each column
        (200, THREE, 1, 2, 1, 3),
        (64, HALVING, 1, 1, 2, 3),  # even columns and odd ones
        (64, Window((3, 3), dilations=(2, 2)), 1, 1, 1, 3),
        (64, Window((5, 5), pads=(2, 2, 2, 2)), 1, 2, 2, 8),
        (64, Window((1, 9), pads=(0, 4, 0, 4)), 1, 1, 1, 3),  # four columns a quad
        (64, Window((9, 1), pads=(4, 0, 4, 0)), 1, 2, 3, 3),
    ],
)
def test_what_is_chosen(
    channels: int, window: Window, pixels: int, rows: int, sets: int, products: int
) -> None:
    found = planned(channels, window, (20, 20), 64)
    assert (found.lanes.pixels, found.rows) == (pixels, rows)
    assert (len(found.sets), len(found.products)) == (sets, products)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    def pair(largest: int) -> tuple[int, int]:
        return draw(st.integers(1, largest)), draw(st.integers(1, largest))

    pads = draw(st.tuples(*[st.integers(0, 3)] * 4))
    return Window(pair(7), pair(3), pads, pair(3))


@given(windows(), st.integers(1, 140), st.sampled_from((16, 32, 64)))
def test_each_tap_meets_its_value_once(window: Window, channels: int, bytes: int) -> None:
    """Each byte of each register's quads is the tap's, or meets no tap."""
    sides = (25, 23)
    found = planned(channels, window, sides, bytes)
    lanes = found.lanes
    for v in range(found.rows):
        seen: list[Tap] = []
        for product in found.products:
            quads = found.sets[product.set]
            moved = product.shift // bytes if lanes.pixels == 1 else product.shift // channels
            assert product.shift + found.blocks * bytes <= found.plane(product.set)
            for source, tap in zip(quads.sources, product.taps[v], strict=True):
                if tap is None:
                    continue
                seen.append(tap)
                row = tap[0] + v  # of inputs, in rows of the kernel: neighbours where v > 0
                column = tap[1] * window.dilations[1] - window.pads[1]
                assert (row, column) == (source.row, source.pixel + moved * window.strides[1])
        assert sorted(seen) == [*np.ndindex(*window.kernel)]


@given(st.integers(1, 300), st.sampled_from((16, 32, 64)), st.booleans())
def test_every_channel_has_a_lane(channels: int, bytes: int, flat: bool) -> None:
    lanes = Lanes(bytes, channels, flat)
    order = [lanes.byte(plane, lane) for plane in range(4) for lane in range(bytes // 4)]
    assert sorted(order) == list(range(bytes))
    parts = range(max(lanes.parts, lanes.phases))
    seen = {lanes.channel(part, byte) for part in parts for byte in order}
    assert seen - {None} == set(range(channels))


@dataclass(frozen=True)
class Chain:
    """Depthwise layers behind one another, of the first one's channels."""

    shape: tuple[int, int, int]
    windows: tuple[Window, ...]
    last: bool = False
    """Whether the last one's sums are given as int32."""

    def graph(self) -> Graph:
        build = Builder(self.shape, seed=sum(self.shape))
        x = "input"
        for number, window in enumerate(self.windows):
            activation = ("relu", "clip", "none")[number % 3]
            groups = self.shape[0]
            last = self.last and number == len(self.windows) - 1
            x = build.conv(x, groups, window, groups=groups, activation=activation, last=last)
        return build.graph(x)


ODD = Window((5, 2), (1, 2), (3, 0, 1, 2), (1, 2))
LINE = Window((1, 5), (1, 1), (0, 2, 0, 2))
WIDE = Window((2, 3), (3, 3), (0, 3, 2, 0))
CHAINS = (
    Chain((64, 7, 9), (THREE, HALVING, LINE)),
    Chain((32, 8, 11), (THREE, HALVING, ODD)),
    Chain((8, 9, 13), (THREE, HALVING, LINE)),
    Chain((24, 5, 12), (THREE, ODD, WIDE)),
    Chain((70, 6, 5), (HALVING, THREE, ODD)),
    Chain((3, 10, 31), (THREE, HALVING, WIDE)),
)
SUMS = (
    *(replace(chain, windows=chain.windows[1:], last=True) for chain in CHAINS),
    Chain((24, 5, 12), (THREE,), last=True),
    Chain((64, 7, 9), (HALVING,), last=True),
    Chain((70, 6, 5), (THREE,), last=True),
    Chain((13, 4, 4), (THREE, THREE, THREE), last=True),
)


def grouped() -> Graph:
    """Several filters a channel, groups of odd sizes, a pooling, sums at the end."""
    build = Builder((6, 9, 11))
    halved = Window((2, 2), (2, 2))
    x = build.conv("input", 18, THREE, groups=6)
    x = build.conv(x, 12, Window((3, 3), (1, 2), (1, 0, 1, 2)), groups=3, activation="clip")
    x = build.conv(x, 40, THREE, groups=4)
    x = build.conv(x, 48, Window((3, 1)), groups=2, pooling=Pooling("max", halved))
    x = build.conv(x, 48, THREE, groups=48, pooling=Pooling("average", Window((1, 1))))
    return build.graph(build.conv(x, 20, Window((1, 1)), groups=4, last=True))


def files_of(graph: Graph, isa: Isa) -> dict[str, str]:
    return dict(emit(graph, Target.NATIVE, Options(isas=(isa.name,))).files)


@pytest.mark.parametrize(
    ("chain", "isa"),
    [(chain, isa) for isa in X86 for chain in (CHAINS[1::2] if isa is SSE2 else CHAINS)],
    ids=lambda value: value.name if isinstance(value, Isa) else str(value.shape[0]),
)
def test_depthwise_gives_the_same_bits(tmp_path: Path, chain: Chain, isa: Isa) -> None:
    """Sanitized: nothing behind the image is read, and nothing behind the output is written."""
    files = files_of(chain.graph(), isa)
    assert files["model.c"].count("_quads(const") == len(chain.windows)
    assert ran(files, tmp_path, *SANITIZED, *chosen(isa)).startswith("PASS")


@pytest.mark.parametrize("isa", X86, ids=lambda isa: isa.name)
@pytest.mark.parametrize("chain", SUMS, ids=lambda chain: f"{chain.shape[0]}-{len(chain.windows)}")
def test_sums_that_nothing_rounds(tmp_path: Path, chain: Chain, isa: Isa) -> None:
    files = files_of(chain.graph(), isa)
    assert files["model.c"].count("_quads(const") == len(chain.windows)
    assert ran(files, tmp_path, *SANITIZED, *chosen(isa)).startswith("PASS")


@pytest.mark.parametrize("isa", X86, ids=lambda isa: isa.name)
def test_grouped_gives_the_same_bits(tmp_path: Path, isa: Isa) -> None:
    assert ran(files_of(grouped(), isa), tmp_path, *SANITIZED, *chosen(isa)).startswith("PASS")


@pytest.mark.parametrize(
    ("isa", "channels", "window", "one_pass"),
    [
        (AVX512VNNI, 64, THREE, False),
        (AVX512VNNI, 64, HALVING, True),
        (AVX512VNNI, 16, HALVING, True),
        (AVX512VNNI, 64, Window((5, 5), (2, 2)), False),
        (AVX512VNNI, 64, Window((1, 3)), True),
        (AVX2, 32, HALVING, True),
        (SSE2, 32, HALVING, False),
    ],
)
def test_one_pass_where_registers_hold_the_quads(
    isa: Isa, channels: int, window: Window, one_pass: bool
) -> None:
    found = planned(channels, window, (20, 20), isa.bits[0] // 8)
    assert depthwise_one_pass.fits(found, isa) is one_pass


def test_which_layers_have_code_of_their_own() -> None:
    steps = plan(grouped()).steps
    for isa in (*X86, AVXVNNI):
        kinds = [select.code(step, isa) for step in steps]
        assert [code is not None for code in kinds] == [True, True, True, True, False, True]
        assert kinds[0] is not None
        assert "depthwise/repeat" in kinds[0].kernels
    assert select.code(steps[1], NEON) is not None
    assert {isa for isa in ISAS if select.code(steps[0], isa)} >= {*X86, AVXVNNI}
