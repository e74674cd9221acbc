"""Convolutions in the tiles of AMX: which are, and that their bits are the interpreter's."""

from __future__ import annotations

from pathlib import Path

import pytest

from quantbench.c99.emit.library import Options
from quantbench.c99.generate import emit
from quantbench.c99.ir.graph import Graph, Pooling, Window
from quantbench.c99.passes.layout import plan
from quantbench.c99.simd import select
from quantbench.c99.target.isa import AMX_INT8, AVX512VBMI, Isa
from quantbench.c99.target.target import Target
from tests.c99.builder import Builder, lenet
from tests.c99.checking import SANITIZED, chosen, ran
from tests.c99.tiled import TILED, Tiled, network

_ISAS = Options(isas=("amx_int8", "avx512vbmi"))
every_shape = pytest.mark.parametrize("tiled", TILED.values(), ids=TILED)


def calls(graph: Graph, isa: Isa) -> str:
    code = select.code(plan(graph).steps[0], isa)
    assert code is not None
    return "\n".join(code.calls)


@every_shape
def test_shapes_choose(tiled: Tiled) -> None:
    """What isn't in tiles is the code of AVX-512, word by word."""
    text = calls(network(tiled), AMX_INT8)
    assert ("MODEL_TILES" in text) is tiled.fits
    assert tiled.fits or text == calls(network(tiled), AVX512VBMI)


def test_layers_with_a_pooling_are_not_in_tiles() -> None:
    build = Builder((64, 12, 12), type="uint8")
    pooling = Pooling("max", Window((2, 2), (2, 2)))
    graph = build.graph(build.conv("input", 32, Window((3, 3)), pooling=pooling))
    assert "MODEL_TILES" not in calls(graph, AMX_INT8)


@every_shape
@pytest.mark.parametrize("last", [False, True], ids=["bytes", "sums"])
def test_bits(tmp_path: Path, tiled: Tiled, last: bool) -> None:
    files = emit(network(tiled, last=last), Target.NATIVE, _ISAS).all_files
    assert ran(files, tmp_path, "-O2", *chosen(AMX_INT8)).startswith("PASS")


@pytest.mark.parametrize("tiled", [*TILED.values()][:4], ids=[*TILED][:4])
def test_where_linux_refuses_tiles_avx_512_answers(tmp_path: Path, tiled: Tiled) -> None:
    files = emit(network(tiled), Target.NATIVE, _ISAS).all_files
    flags = (*chosen(AMX_INT8), "-DMODEL_TILES=0", *SANITIZED)
    assert ran(files, tmp_path, *flags).startswith("PASS")


def test_other_layers_share_the_text_of_avx_512() -> None:
    text = emit(lenet(), Target.NATIVE, _ISAS).files["model.c"]
    alone = emit(lenet(), Target.NATIVE, Options(isas=("avx512vbmi",))).files["model.c"]
    assert text.count("_pixels(") == alone.count("_pixels(")
