"""What stands where in the C file."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from quantbench.c99.emit.library import Options
from quantbench.c99.generate import emit
from quantbench.c99.target.isa import ISAS
from quantbench.c99.target.target import Target
from tests.c99.builder import lenet
from tests.c99.checking import command


def test_each_layer_says_what_it_does_where_it_is_called() -> None:
    text = emit(lenet()).files["model.c"]
    body = text[text.index("void model_run(") :]
    assert re.search(
        r"/\* l0 \S+: 1x32x32 -> 6x14x14, 5x5 conv, ReLU, 2x2 average pool \*/\n    model_conv\(",
        body,
    )
    assert len(re.findall(r"/\* l\d ", body)) == 5


def test_no_condition_of_two_constants_is_left() -> None:
    """A number that all layers share has a name in the text."""
    text = emit(lenet(), Target.NATIVE).files["model.c"]
    assert not re.search(r"\b\d+ [!=]= \d|l->\w+ \* 1\b|\* 1 - 0", text)


def test_what_is_written_of_registers_is_true() -> None:
    text = emit(lenet(), Target.NATIVE).files["model.c"]
    claims = re.findall(r"Registers of (\d+) bits: (\d+) lanes", text)
    assert claims
    assert all(int(bits) == 32 * int(lanes) for bits, lanes in claims)


def test_kernels_that_the_file_does_not_have(tmp_path: Path) -> None:
    files = emit(lenet(), Target.NATIVE, Options(isas=("avx2", "neon"))).files
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="ascii")
    for number, fails in ((0, False), (len(ISAS), True), (-1, True)):
        build = [*command(), "-std=c99", f"-DMODEL_KERNELS={number}", "-E", "model.c"]
        done = subprocess.run(build, cwd=tmp_path, capture_output=True, check=False, text=True)
        assert ("MODEL_KERNELS is none of the sets above" in done.stderr) is fails
