"""Cortex-M in QEMU: the golden vectors, and counts that are exact."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from quantbench.artifacts.artifact import Artifact
from quantbench.c99.build.cortex_m import BOARDS, Counts, counted
from quantbench.c99.emit.library import Options
from quantbench.c99.generate import emit
from quantbench.c99.target.target import Dtype, Optimize, Target
from quantbench.cli import compile
from quantbench.errors import CompileError
from tests.c99.builder import lenet
from tests.c99.speed import networks as speed
from tests.targets.machines import needs

pytestmark = [pytest.mark.targets, *needs("arm-none-eabi-gcc", "qemu-system-arm")]

# The loop is three instructions a turn; around it are the call, the return and three more.
_LOOP = """\
#include "model.h"
void model_run(const uint8_t *input, model_output *output, uint8_t *scratch)
{
    (void)input;
    (void)scratch;
    *output = 7;
    __asm__ volatile("1: nop\\n subs %0, #1\\n bne 1b" : "+r"(turns) : : "cc");
}
"""


def looping(turns: int) -> dict[str, str]:
    """A network whose instructions are known."""
    declared = f"    uint32_t turns = {turns};\n"
    at = _LOOP.index("    (void)input")
    return {
        **emit(lenet()).files,
        "model.h": "#include <stddef.h>\n#include <stdint.h>\n#define MODEL_INPUT_SIZE 1\n"
        "#define MODEL_OUTPUT_SIZE 1\n#define MODEL_SCRATCH 1\ntypedef uint8_t model_output;\n"
        "void model_run(const uint8_t *input, model_output *output, uint8_t *scratch);\n",
        "model.c": _LOOP[:at] + declared + _LOOP[at:],
        "golden.h": "#define MODEL_GOLDEN_COUNT 8\n#define MODEL_GOLDEN_RUN model_run\n"
        "static const uint8_t model_golden_inputs[8] = {0};\n"
        "static const model_output model_golden_outputs[8] = {7, 7, 7, 7, 7, 7, 7, 7};\n",
    }


def instructions(counts: Counts, level: int = 0) -> int:
    assert counts.missing is None
    found = counts.built[level].instructions
    assert found is not None
    return found


@pytest.mark.parametrize("target", BOARDS)
@pytest.mark.parametrize("turns", [1_000, 1_000_000])
def test_the_instructions_of_a_loop(target: Target, turns: int) -> None:
    counts = counted(looping(turns), target)
    assert counts.resolution == 10
    assert 0 <= instructions(counts) - 3 * turns <= 5 + counts.resolution


def test_more_than_the_clock_holds_at_once() -> None:
    """671 million instructions are one round of it; its interrupt takes some."""
    turns = 29_000_000
    assert abs(instructions(counted(looping(turns), Target.CORTEX_M7)) - 3 * turns) < 100


def test_a_wrong_answer_there() -> None:
    files = looping(1)
    wrong = files | {"golden.h": files["golden.h"].replace("7, 7};", "7, 8};")}
    with pytest.raises(CompileError, match=r"on cortex-m7 .*FAIL: vector 7, output 0 is 7, not 8"):
        counted(wrong, Target.CORTEX_M7)


def test_a_network_that_the_board_does_not_hold() -> None:
    files = looping(1)
    room = f"static const uint8_t room[{5 << 20}] = {{1}};\n"
    used = files["model.c"].replace("*output = 7", "*output = (uint8_t)(room[input[0]] + 6)")
    counts = counted(
        files | {"model.c": used.replace("void model", room + "void model", 1)}, Target.CORTEX_M7
    )
    assert counts.built[0].flash > 5 << 20
    assert counts.missing
    assert "the simulated board doesn't hold the network" in counts.missing


@pytest.mark.parametrize("target", BOARDS)
def test_lenet(target: Target) -> None:
    """The same in each run; and the stack that is printed is far from none."""
    files = emit(lenet()).files
    one, other = counted(files, target), counted(files, target)
    assert one == other
    assert one.missing is None
    assert [built.level for built in one.built] == ["-Os", "-O2"]
    for built in one.built:
        assert built.flash < 65_000
        assert built.instructions
        assert built.stack
        assert 416_520 < built.instructions < 416_520 * 4
        assert 50 < built.stack < 500


def test_in_few_instructions() -> None:
    """Golden vectors of each form pass there; LeNet takes two thirds of the instructions."""
    options = Options(optimize=Optimize.SPEED)
    for make in speed.GRAPHS:
        counts = counted(emit(make(), options=options).files, Target.CORTEX_M7)
        assert counts.missing is None
    small = counted(emit(speed.lenet()).files, Target.CORTEX_M7)
    fast = counted(emit(speed.lenet(), options=options).files, Target.CORTEX_M7)
    assert 2 * instructions(small, 1) > 3 * instructions(fast, 1)


def test_an_empty_run_is_not_a_round_of_the_clock() -> None:
    """Fewer vectors than a tick takes: its clock reads 0 until it has begun."""
    few = looping(1000)
    few["golden.h"] = few["golden.h"].replace("COUNT 8", "COUNT 1")
    found = instructions(counted(few, Target.CORTEX_M4))
    assert 3000 <= found < 3000 + 5 + 80


@pytest.mark.parametrize(
    ("method", "dtype"), [("ort_static", Dtype.INT8), ("float32", Dtype.FLOAT32)]
)
def test_what_is_printed(
    artifacts: Callable[[str, str, str], Artifact],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    method: str,
    dtype: Dtype,
) -> None:
    model = artifacts("lenet", method, "onnx").folder / "model.onnx"
    compile.compile_(compile.Source(model, tmp_path / "c"), Target.CORTEX_M7, dtype)
    said = capsys.readouterr().out
    assert "code and constants (-Os, cortex-m7)" in said
    assert "of stack" in said
    assert "counted by QEMU to within 10" in said
    assert "golden vectors: pass on this machine and on cortex-m7" in said
