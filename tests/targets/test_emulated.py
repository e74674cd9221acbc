"""Kernels for registers that this CPU may not have, in plain C by SIMDe's headers."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from quantbench.c99.targets import Target
from tests.c99.checking import command
from tests.c99.together import all_pass
from tests.targets.networks import networks

pytestmark = pytest.mark.targets
SETS = {
    "AVX512VBMI": "immintrin.h",
    "AVX512VNNI": "immintrin.h",
    "AVXVNNI": "immintrin.h",
    "AVX2": "immintrin.h",
    "SSE2": "immintrin.h",
    "NEON_DOT": "arm_neon.h",
    "NEON": "arm_neon.h",
}
_SHIMS = Path(__file__).parent / "simde"
_WARNINGS = ("-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-Wno-psabi")
"""The others are for the model alone, whose text would have to be told from SIMDe's."""


@pytest.fixture(scope="module")
def files() -> tuple[dict[str, str], ...]:
    return networks(Target.NATIVE)


def declared(files: tuple[dict[str, str], ...]) -> set[str]:
    """The sets of kernels that the files let one choose from."""
    numbered = (re.findall(r"^#define MODEL_(\w+) [1-9]$", one["model.c"], re.M) for one in files)
    return {name for names in numbered for name in names} - {"VNNI", "VBMI"}


def test_no_set_goes_untested(files: tuple[dict[str, str], ...]) -> None:
    assert declared(files) <= SETS.keys()


@pytest.mark.parametrize("name", SETS)
def test_emulated(tmp_path: Path, files: tuple[dict[str, str], ...], name: str) -> None:
    if name not in declared(files):
        pytest.skip(f"no network has kernels {name}")
    if not Path("/usr/include/simde").is_dir():
        pytest.skip("there is no libsimde-dev")
    shutil.copytree(_SHIMS, tmp_path, dirs_exist_ok=True)
    header = tmp_path / SETS[name]
    compiler = (*command(), "-O0", f"-I{tmp_path}", f"-DMODEL_KERNELS=MODEL_{name}")
    precompiled(compiler, header)
    all_pass(files, tmp_path, (*compiler, "-include", header.name), warnings=_WARNINGS)


def precompiled(compiler: tuple[str, ...], header: Path) -> None:
    """SIMDe is read once, and not for each network."""
    made = [*compiler, "-std=c99", "-x", "c-header", header, "-o", f"{header}.gch"]
    subprocess.run(made, check=True, timeout=300)
