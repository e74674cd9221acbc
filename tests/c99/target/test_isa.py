from __future__ import annotations

import pytest

from quantbench.c99.emit.library import Options
from quantbench.c99.generate import emit
from quantbench.c99.target.isa import AVX2, FMA, ISAS, NEON, NEON_DOT, named
from quantbench.c99.target.target import Target
from quantbench.errors import UsageError
from tests.c99.builder import lenet


def test_names() -> None:
    assert named(["NEON", " avx2"], ISAS) == (AVX2, NEON)
    assert named(["neon-dot"], ISAS) == (NEON_DOT,)
    assert NEON_DOT.macro == "MODEL_NEON_DOT"
    with pytest.raises(
        UsageError, match=r"--isa avx3: there are kernels for amx_int8, avx512vbmi, "
    ):
        named(["avx3"], ISAS)
    with pytest.raises(UsageError, match="there are kernels for fma"):
        named(["avx2"], [FMA])


def test_only_these_kernels_are_written() -> None:
    whole = emit(lenet(), Target.NATIVE).files["model.c"]
    text = emit(lenet(), Target.NATIVE, Options(isas=("avx2", "neon"))).files["model.c"]
    assert "MODEL_AVX2" in text
    assert "MODEL_NEON" in text
    for isa in ISAS:
        if isa not in (AVX2, NEON):
            assert f"{isa.macro}\n" not in text
            assert f"{isa.macro}\n" in whole
    assert len(text) < 0.7 * len(whole)


def test_portable_code_has_no_instruction_sets() -> None:
    with pytest.raises(UsageError, match="--isa is for --target native"):
        emit(lenet(), Target.PORTABLE, Options(isas=("avx2",)))
