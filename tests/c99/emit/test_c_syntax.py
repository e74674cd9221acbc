from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from quantbench.c99.build.library import WARNINGS
from quantbench.c99.emit.c_syntax import CWriter, array, byte_array, number, wrapped
from tests.c99.checking import command


def test_blocks_are_indented() -> None:
    c = CWriter()
    with c.function("static void f(int *out)"), c.loop("y", "h"), c.loop("x", 8, 2):
        c.line("out[y] += x;")
    assert c.finished() == (
        "static void f(int *out)\n{\n    for (int y = 0; y < h; y++) {\n"
        "        for (int x = 0; x < 8; x += 2) {\n            out[y] += x;\n"
        "        }\n    }\n}\n"
    )


def test_the_preprocessor_stands_at_the_left() -> None:
    c = CWriter()
    with c.block("if (x)"), c.when("defined(A)"):
        c.line("f();")
    with c.when(""):
        c.define("B", 1)
    c.undefine("C(x)")
    assert c.finished() == "if (x) {\n#if defined(A)\n    f();\n#endif\n}\n#define B 1\n#undef C\n"


def test_finished_c_keeps_its_indentation() -> None:
    c = CWriter()
    with c.block():
        c.text("a\n  b\n")
    assert c.finished() == "{\na\n  b\n}\n"


def test_nothing_written_is_nothing() -> None:
    assert CWriter().finished() == ""


def test_arrays() -> None:
    assert (
        array("int8_t", "a", np.array([[1], [-2]])) == "static const int8_t a[] = {\n  1, -2\n};\n"
    )
    aligned = array("int32_t", "a", [-(2**31)], aligned=True)
    assert aligned == "static const int32_t a[] __attribute__((aligned(64))) = {\n  INT32_MIN\n};\n"


def test_many_numbers_stand_in_columns() -> None:
    values = np.random.default_rng(1).integers(-128, 128, (3, 2**13)).astype(np.int16)
    lines = array("int16_t", "a", values).splitlines()
    assert max(map(len, lines)) <= 98
    assert [int(item) for item in "".join(lines[1:-1]).split(",")] == [*values.ravel()]


@pytest.mark.parametrize("count", [24, 25, 5000])
def test_bytes_of_a_string(tmp_path: Path, count: int) -> None:
    values = np.random.default_rng(count).integers(-128, 128, count).astype(np.int8)
    body = "int main(void) { return fwrite(a, 1, sizeof a, stdout) != sizeof a; }\n"
    head = "#include <stdint.h>\n#include <stdio.h>\n"
    (tmp_path / "a.c").write_text(head + byte_array("a", values) + body, encoding="ascii")
    built = [*command(), "-std=c99", *WARNINGS, "a.c", "-o", "a"]
    subprocess.run(built, cwd=tmp_path, check=True)
    printed = subprocess.run([tmp_path / "a"], stdout=subprocess.PIPE, check=True).stdout
    assert printed == values.tobytes()


def test_lines_are_short() -> None:
    lines = wrapped(number(value) for value in range(1000)).splitlines()
    assert max(map(len, lines)) <= 98
    assert [int(item) for item in "".join(lines).split(",")] == list(range(1000))


def test_many_float32_are_read_exactly() -> None:
    """Beside random bits: both zeros, the smallest and the largest, subnormal ones."""
    bits = np.random.default_rng(1).integers(0, 2**32, 2**15, dtype=np.uint32)
    ends = np.array([0.0, -0.0, 1.0, 1e-45, -1e-40, 2.0**-126, 3.4028235e38], np.float32)
    values = np.concatenate([bits.view(np.float32), ends])
    values = values[np.isfinite(values)]
    text = array("float", "values", values).split("{")[1].split("}")[0]
    read = [float.fromhex(number.strip().removesuffix("F")) for number in text.split(",")]
    assert np.array(read, np.float32).tobytes() == values.tobytes()
