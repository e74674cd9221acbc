"""The tiles of AMX in plain C: as the processor computes them, and under the kernels."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from quantbench.c99.emit.library import Options
from quantbench.c99.generate import emit
from quantbench.c99.target.isa import AMX_INT8
from quantbench.c99.target.target import Target
from tests.c99.checking import chosen, command
from tests.c99.tiled import TILED, network
from tests.c99.together import all_pass
from tests.targets.test_emulated import SHIMS, WARNINGS, precompiled

pytestmark = pytest.mark.targets
_SANITIZED = ("-O1", "-fsanitize=address", "-fno-sanitize-recover=all")
BESIDE = r"""
#include <immintrin.h>
#include <stdio.h>
#include <stdint.h>
#include "kernels_tiles.h"
#include "tiles.h"

static uint32_t seed = 1;
static uint32_t drawn(uint32_t below)
{
    seed = seed * 1664525U + 1013904223U;
    return (seed >> 8) % below;
}

int main(void)
{
    static uint8_t memory[8192], by_processor[3][1024], by_text[3][1024];
    if (!model_has_tiles()) {
        puts("REFUSED");
        return 0;
    }
    for (int trial = 0; trial < 2000; trial++) {
        const int m = 1 + (int)drawn(16), words = 1 + (int)drawn(16), n = 1 + (int)drawn(16);
        const model_tiles shapes = {1, 0, {0},
            {(uint16_t)(4 * n), (uint16_t)(4 * words), (uint16_t)(4 * n)},
            {(uint8_t)m, (uint8_t)m, (uint8_t)words}};
        const ptrdiff_t stride = drawn(2) ? 64 : (ptrdiff_t)drawn(200), back = drawn(2) ? 0 : 64;
        for (size_t i = 0; i < sizeof memory; i++) {
            memory[i] = (uint8_t)(drawn(4) ? drawn(256) : 255 * drawn(2));
        }
        _tile_loadconfig(&shapes);
        emulated_tile_loadconfig(&shapes);
        _tile_loadd(0, memory, back);
        emulated_tile_loadd(0, memory, back);
        _tile_loadd(1, memory + 1024, stride);
        emulated_tile_loadd(1, memory + 1024, stride);
        _tile_loadd(2, memory + 4100, stride);
        emulated_tile_loadd(2, memory + 4100, stride);
        for (int twice = 0; twice < 2; twice++) {
            _tile_dpbusd(0, 1, 2);
            emulated_tile_dpbusd(0, 1, 2);
        }
        _tile_stored(0, by_processor[0], 64);
        _tile_stored(1, by_processor[1], 64);
        _tile_stored(2, by_processor[2], 64);
        for (int tile = 0; tile < 3; tile++) {
            emulated_tile_stored(tile, by_text[tile], 64);
        }
        if (memcmp(by_processor, by_text, sizeof by_text) != 0) {
            printf("FAIL: trial %d, %d x %d x %d\n", trial, m, words, n);
            return 1;
        }
        _tile_release();
        emulated_tile_release();
    }
    puts("PASS");
    return 0;
}
"""


def test_the_text_is_the_processor(tmp_path: Path) -> None:
    flags = chosen(AMX_INT8)
    shutil.copy(SHIMS / "tiles.h", tmp_path)
    kernels = Path(emit.__code__.co_filename).parent / "kernels"
    shutil.copy(kernels / "tiles.h", tmp_path / "kernels_tiles.h")
    (tmp_path / "beside.c").write_text(BESIDE, encoding="utf-8")
    build = (*command(), "-std=c99", "-O1", *flags, "beside.c", "-o", "beside")
    subprocess.run(build, cwd=tmp_path, check=True, timeout=120)
    done = subprocess.run(
        "./beside", cwd=tmp_path, capture_output=True, check=False, text=True, timeout=120
    )
    if done.stdout == "REFUSED\n":
        pytest.skip("Linux refuses tiles to this process")
    assert done.stdout == "PASS\n"


def test_every_shape_under_a_sanitizer(tmp_path: Path) -> None:
    """Nothing is read or written outside what the network has."""
    if not Path("/usr/include/simde").is_dir():
        pytest.skip("there is no libsimde-dev")
    options = Options(isas=("amx_int8",), file_from=None)
    tiled = [network(one) for one in TILED.values() if one.fits]
    files = [emit(graph, Target.NATIVE, options).all_files for graph in tiled]
    shutil.copytree(SHIMS, tmp_path, dirs_exist_ok=True)
    chosen_set = ("-DMODEL_KERNELS=MODEL_AMX_INT8", "-DMODEL_TILES=1")
    compiler = (*command(), *_SANITIZED, f"-I{tmp_path}", *chosen_set)
    precompiled(compiler, tmp_path / "immintrin.h")
    all_pass(files, tmp_path, (*compiler, "-include", "immintrin.h"), warnings=WARNINGS)
