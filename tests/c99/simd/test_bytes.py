"""Layers without weights: which have kernels, and the interpreter's bits by each of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantbench.c99.emit.library import Options
from quantbench.c99.generate import emit
from quantbench.c99.ir.graph import Graph, Type, Window
from quantbench.c99.passes.layout import plan
from quantbench.c99.simd import lookup, select
from quantbench.c99.target.isa import AVX2, AVX512VBMI, AVX512VNNI, NEON, SSE2, Isa
from quantbench.c99.target.target import Target
from tests.c99.builder import Builder
from tests.c99.checking import SANITIZED, chosen, ran
from tests.targets.machines import MACHINES, Machine, pass_by_neon

PADDED = Window((3, 3), (2, 1), (1, 2, 1, 0))
SPARSE = Window((2, 3), (1, 1), (0, 2, 1, 2), (1, 2))


def layers(channels: int, type: Type = "uint8", *, dyadic: bool = False) -> Graph:
    """One of each kind; `channels` and the sides leave rests in registers of every width."""
    build = Builder((channels, 7, 9), channels, type, dyadic=dyadic)
    x = build.table("input")
    x = build.add(x, "input")
    x = build.product(x, build.pool("input", "max", Window((7, 9))))
    x = build.product(build.rescale(x), build.rescale(x, per_channel=True))
    large = build.pool(x, "max", PADDED)
    mean = build.pool(x, "average", PADDED, count_pads=False)
    x = build.add(mean, large)
    x = build.pool(x, "average", SPARSE)
    x = build.add(x, build.pool(x, "max", Window((3, 3), pads=(1, 1, 1, 1))))
    return build.graph(build.pool(x, "average", Window(build.tensors[x].shape[1:])))  # type: ignore[arg-type]


def by_kind(isa: Isa, channels: int) -> dict[str, set[bool]]:
    """Whether the layers of each kind have kernels."""
    found: dict[str, set[bool]] = {}
    for step in plan(layers(channels)).steps:
        found.setdefault(type(step.work).__name__, set()).add(select.code(step, isa) is not None)
    return found


def test_which_layers_have_kernels() -> None:
    every = {"Table", "Add", "Product", "Requantize", "Pool"}
    wide = by_kind(AVX512VBMI, 40)
    assert wide.keys() == every
    assert all(found == {True} for found in wide.values())
    assert by_kind(AVX2, 40) == wide
    assert by_kind(SSE2, 40) == wide | {
        "Table": {False},
        "Product": {False},
        "Requantize": {True, False},  # by a table, and by channels
    }
    assert by_kind(NEON, 40) == wide | {"Add": {False}}
    few = by_kind(AVX512VNNI, 6)
    assert few["Pool"] == {False}
    assert few["Product"] == {True, False}  # the one of six channels at a time, and the whole one


@given(st.integers(0, 2**32 - 1))
def test_parts_of_a_table_give_it_by_shuffles(seed: int) -> None:
    """The steps of the kernel, on all 256 bytes at once."""
    table = np.random.default_rng(seed).integers(0, 256, 256)
    index, result = np.arange(256), np.zeros(256, np.int64)
    for number, part in enumerate(lookup.shuffled(table).reshape(16, 16)):
        result ^= np.where(index < 128, part[index % 16], 0)
        if number < 8:
            index = (index - 16) % 256
        else:
            signed = index - 256 * (index >= 128)
            index = np.maximum(signed - 16, -128) % 256
    assert np.array_equal(result, table)


CASES: dict[int, tuple[Type, bool]] = {
    40: ("uint8", False),
    70: ("int8", True),
    17: ("uint8", True),
}
"""By channels: the type of tensors, and whether many results are ties."""


def drawn(channels: int) -> Graph:
    type, dyadic = CASES[channels]
    return layers(channels, type, dyadic=dyadic)


@pytest.mark.parametrize(
    ("isa", "channels"),
    [
        (AVX512VBMI, 40),
        (AVX512VNNI, 70),
        (AVX512VNNI, 17),
        (AVX2, 40),
        (AVX2, 17),
        (SSE2, 40),
        (SSE2, 70),
    ],
    ids=lambda value: value.name if isinstance(value, Isa) else str(value),
)
def test_the_same_bits(tmp_path: Path, isa: Isa, channels: int) -> None:
    """Sanitized: nothing outside of the tensors is read or written."""
    files = emit(drawn(channels), Target.NATIVE, Options(isas=(isa.name,))).files
    assert ran(files, tmp_path, *SANITIZED, *chosen(isa)).startswith("PASS")


@pytest.mark.targets
@pytest.mark.parametrize("machine", MACHINES[:2], ids=lambda machine: machine.name)
def test_the_same_bits_on_simulated_processors(tmp_path: Path, machine: Machine) -> None:
    pass_by_neon([drawn(channels) for channels in CASES], tmp_path, machine)
