"""All that a network defines is under its name: two of them are in one program, in C and in C++."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from quantbench.c99.emit.library import Options
from quantbench.c99.emit.namespace import comment, layer_symbol, renamed, require_name
from quantbench.c99.generate import emit
from quantbench.c99.importer import import_onnx
from quantbench.c99.target.target import Dtype, Target
from quantbench.errors import UsageError
from tests.c99.builder import lenet
from tests.c99.checking import WARNINGS, command, native, ran
from tests.c99.emit.test_float32 import small

HOSTILE = '*/ int evil; /* "%s" ??/ \\\n#error é'


def written(files: Mapping[str, str], folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def output(arguments: list[str], folder: Path) -> str:
    done = subprocess.run(
        arguments, cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def files_of(folder: Path, name: str, target: Target, *, float32: bool) -> dict[str, str]:
    if not float32:
        return emit(lenet(), target, Options(name)).files
    small(folder)
    return emit(import_onnx(folder / "model.onnx", Dtype.FLOAT32), target, Options(name)).files


@pytest.mark.parametrize("float32", [False, True], ids=["int8", "float32"])
@pytest.mark.parametrize("target", [Target.PORTABLE, Target.NATIVE])
def test_every_symbol_has_the_prefix(tmp_path: Path, target: Target, float32: bool) -> None:
    """Without optimization nothing is inlined: static functions and constants are all there."""
    files = files_of(tmp_path, "net", target, float32=float32)
    assert files.keys() == {"net.h", "net.c", "golden.h", "main.c"}
    written(files, tmp_path)
    output([*command(), "-std=c99", "-O0", *native(), "-c", "net.c", "-o", "net.o"], tmp_path)
    lines = output(["nm", "net.o"], tmp_path).splitlines()
    defined = [line.split()[-1] for line in lines if line.split()[-2] not in ("U", "w")]
    assert "net_run" in defined
    assert [name for name in defined if not name.startswith(("net_", "runs."))] == []
    external = [line.split()[-1] for line in lines if line.split()[-2] == "T"]
    assert external == ["net_run"]


@pytest.mark.parametrize("float32", [False, True], ids=["int8", "float32"])
@pytest.mark.parametrize("target", [Target.PORTABLE, Target.NATIVE])
def test_every_macro_has_the_prefix(tmp_path: Path, target: Target, float32: bool) -> None:
    files = files_of(tmp_path, "net", target, float32=float32)
    written(files, tmp_path)
    system = "".join(
        f"#include {header}\n"
        for header in sorted(set(re.findall(r"#include (<\S+>)", files["net.c"] + files["net.h"])))
        if header not in ("<arm_acle.h>", "<arm_neon.h>")
    )
    (tmp_path / "system.c").write_text(system, encoding="ascii")

    def macros(source: str) -> set[str]:
        text = output([*command(), "-std=c99", *native(), "-E", "-dM", source], tmp_path)
        return {re.split(r"[ (]", line)[1] for line in text.splitlines()}

    own = macros("net.c") - macros("system.c")
    assert "NET_INPUT_SIZE" in own
    assert [name for name in own if not name.startswith("NET_")] == []


def two(folder: Path) -> None:
    for name in ("left", "right"):
        written(emit(lenet(), Target.NATIVE, Options(name)).files, folder / name)


_CALLER = """\
#include <stdio.h>
#include <string.h>
#include "left/left.h"
#include "right/right.h"
#include "left/golden.h"
#include "right/golden.h"

static uint8_t scratch[LEFT_SCRATCH + RIGHT_SCRATCH];

int main(void)
{
    left_output l[LEFT_OUTPUT_SIZE];
    right_output r[RIGHT_OUTPUT_SIZE];
    left_run(left_golden_inputs, l, scratch);
    right_run(right_golden_inputs, r, scratch);
    if (memcmp(l, left_golden_outputs, sizeof l) || memcmp(r, right_golden_outputs, sizeof r)) {
        return 1;
    }
    printf("both\\n");
    return 0;
}
"""


@pytest.mark.parametrize(
    ("compiler", "source", "standard"), [("", "main.c", "c99"), ("g++", "main.cpp", "c++11")]
)
def test_two_networks_in_one_program(
    tmp_path: Path, compiler: str, source: str, standard: str
) -> None:
    if compiler and shutil.which(compiler) is None:
        pytest.skip(f"there is no {compiler}")
    two(tmp_path)
    c = [*command(), "-std=c99", *WARNINGS]
    for name in ("left", "right"):
        output([*c, "-c", f"{name}/{name}.c", "-o", f"{name}.o"], tmp_path)
    (tmp_path / source).write_text(_CALLER, encoding="ascii")
    link = [compiler] if compiler else [*command()]
    flags = [f"-std={standard}", "-Wall", "-Wextra", "-Werror", "-pedantic"]
    output([*link, *flags, source, "left.o", "right.o", "-o", "both"], tmp_path)
    assert output(["./both"], tmp_path) == "both\n"


def test_two_networks_in_one_translation_unit(tmp_path: Path) -> None:
    two(tmp_path)
    unit = '#include "left/left.c"\n#include "right/right.c"\n'
    (tmp_path / "both.c").write_text(unit, encoding="ascii")
    output([*command(), "-std=c99", *WARNINGS, *native(), "-c", "both.c", "-o", "b.o"], tmp_path)


def test_the_default_name_is_today_s() -> None:
    files = emit(lenet()).files
    assert files.keys() == {"model.h", "model.c", "golden.h", "main.c"}
    assert "void model_run(const uint8_t *input, model_output *output" in files["model.h"]
    assert "#define MODEL_INPUT_SIZE 1024\n" in files["model.h"]


@pytest.mark.parametrize(
    "name",
    ["", "9net", "a-b", "a b", "a.b", "_net", "net_", "a__b", "é", "../net", "n" * 32, "net\n",
     "main", "golden", "string", "STDINT"],
)  # fmt: skip
def test_a_name_that_cannot_be_a_prefix(name: str) -> None:
    with pytest.raises(UsageError, match="--name"):
        require_name(name)
    with pytest.raises(UsageError, match="--name"):
        emit(lenet(), Target.PORTABLE, Options(name))


@pytest.mark.parametrize("name", ["lenet", "LeNet5", "a", "my_net_2", "n" * 31])
def test_a_name_that_can(name: str) -> None:
    require_name(name)


def test_names_from_a_file_are_cleaned(tmp_path: Path) -> None:
    """As names of nodes, and as those of layers, which stand in identifiers, too."""
    graph = lenet()
    nodes = tuple(replace(node, name=f"{HOSTILE} {k}") for k, node in enumerate(graph.nodes))
    labels = {node.name: HOSTILE for node in nodes}
    options = Options("net", labels=labels)
    files = emit(replace(graph, nodes=nodes, name=HOSTILE), Target.NATIVE, options).files
    assert all("int evil" not in text and text.isascii() for text in files.values())
    assert "net_l0_int_evil_s_error_weights" in files["net.c"]
    files["model.c"] = files.pop("net.c")  # under the name that is built
    assert ran(files, tmp_path, "-O1").startswith("PASS")


def test_a_layer_may_be_called_as_the_default_prefix() -> None:
    text = "/* l0 model_conv: 1 -> 2, add */ model_run(MODEL_SIZE); /* see model_dot() */"
    assert renamed(text, "net") == (
        "/* l0 model_conv: 1 -> 2, add */ net_run(NET_SIZE); /* see net_dot() */"
    )
    assert renamed('#include "model.h"', "net") == '#include "net.h"'
    assert renamed("a_model_x remodel_y", "net") == "a_model_x remodel_y"


def test_symbols_of_layers() -> None:
    assert layer_symbol(3, "layer1.0.conv1") == "model_l3_layer1_0_conv1"
    assert layer_symbol(3, "") == "model_l3"
    assert layer_symbol(0, "*/" * 50) == "model_l0"
    assert len(layer_symbol(0, "a_" * 50)) <= len("model_l0_") + 24


def test_comments() -> None:
    assert comment("layer1/conv-1.0:x") == "layer1/conv-1.0:x"
    assert comment("*/ ??/\n") == "_/___/_"
