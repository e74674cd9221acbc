"""Kernels for registers that this CPU may not have, in plain C by SIMDe's headers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from quantbench.c99.generate import emit
from quantbench.c99.ir.graph import Window
from quantbench.c99.target.isa import ISAS, Isa
from quantbench.c99.target.target import Target
from tests.c99.builder import Builder
from tests.c99.checking import command
from tests.c99.together import all_pass
from tests.c99.wide import layers
from tests.targets.networks import networks

pytestmark = pytest.mark.targets
SHIMS = Path(__file__).parent / "simde"
WARNINGS = ("-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-Wno-psabi")
"""The others are for the model alone, whose text would have to be told from SIMDe's."""


@pytest.fixture(scope="module")
def files() -> tuple[dict[str, str], ...]:
    build = Builder((24, 5, 12))
    sums = build.graph(build.conv("input", 24, Window((3, 3)), groups=24, last=True))
    wide = layers(17), layers(40, by_channel=False, ties=True), sums
    return (*networks(Target.NATIVE), *(emit(graph, Target.NATIVE).files for graph in wide))


@pytest.mark.parametrize("kernels", ISAS, ids=lambda one: one.macro)
def test_emulated(tmp_path: Path, files: tuple[dict[str, str], ...], kernels: Isa) -> None:
    if not Path("/usr/include/simde").is_dir():
        pytest.skip("there is no libsimde-dev")
    assert any(f"#if MODEL_KERNELS == {kernels.macro}\n" in one["model.c"] for one in files)
    shutil.copytree(SHIMS, tmp_path, dirs_exist_ok=True)
    header = tmp_path / kernels.header
    chosen = f"-DMODEL_KERNELS={kernels.macro}", "-DMODEL_TILES=1"  # Linux isn't asked for tiles
    compiler = (*command(), "-O0", f"-I{tmp_path}", *chosen)
    precompiled(compiler, header)
    all_pass(files, tmp_path, (*compiler, "-include", header.name), warnings=WARNINGS)


def precompiled(compiler: tuple[str, ...], header: Path) -> None:
    """SIMDe is read once, and not for each network."""
    made = [*compiler, "-std=c99", "-x", "c-header", header, "-o", f"{header}.gch"]
    subprocess.run(made, check=True, timeout=300)
