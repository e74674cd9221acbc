"""Golden vectors in a file of their own: every compiler finds it, and every byte of it counts."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from quantbench.c99.build.library import WARNINGS, write_files
from quantbench.c99.build.loader import loaded
from quantbench.c99.build.machines import MACHINES
from quantbench.c99.emit.library import Emitted, Options
from quantbench.c99.generate import emit
from quantbench.c99.golden import ARRAYS, FILE, HEADER
from quantbench.c99.importer import import_onnx
from quantbench.c99.ir.graph import Graph
from quantbench.c99.target.target import Dtype
from tests.c99 import checking
from tests.c99.builder import Builder, lenet
from tests.c99.models import Model

BIG_ENDIAN = next(machine for machine in MACHINES if "big-endian" in machine.name)
CHECKS = ("inside/net.c", "inside/main.c", "-lm", "-o", "check")


def in_a_file(graph: Graph) -> Emitted:
    return emit(graph, options=Options("net", golden_from=1))


def words() -> Graph:
    """A network whose outputs are int32."""
    build = Builder((5,))
    return build.graph(build.dense("input", 40, activation="none", last=True))


def unsigned() -> Graph:
    """A network whose outputs are uint8."""
    build = Builder((1, 12, 12))
    return build.graph(build.dense("input", 10, activation="none"))


def reals(folder: Path) -> Graph:
    model = Model(("n", 6))
    weights = np.random.default_rng(1).normal(0, 0.3, (5, 6))
    model.add("Gemm", None, model.constant(weights), transB=1)
    return import_onnx(model.saved(folder), Dtype.FLOAT32)


def network(kind: str, folder: Path) -> Graph:
    """One whose golden outputs are of that kind."""
    if kind == "float32":
        return reals(folder)
    return words() if kind == "words" else unsigned()


def said(emitted: Emitted, folder: Path, *compiler: str, run: tuple[str, ...] = ()) -> str:
    """What main.c prints, built from outside of the network's folder."""
    (folder / "inside").mkdir(exist_ok=True)
    write_files(emitted.all_files, folder / "inside")
    return built(folder, *compiler, run=run)


def built(folder: Path, *compiler: str, run: tuple[str, ...] = ()) -> str:
    command = (*compiler, "-std=c99", *WARNINGS, *CHECKS)
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr
    ran = subprocess.run([*run, "./check"], cwd=folder, capture_output=True, check=False, text=True)
    return ran.stdout


def test_small_ones_can_be_read() -> None:
    emitted = emit(lenet())
    assert "model_golden_outputs[] = {" in emitted.files[HEADER]
    assert not {FILE, ARRAYS} & emitted.all_files.keys()
    assert emit(lenet(), options=Options(golden_from=None)).files == emitted.files


def test_both_forms_hold_the_same_numbers() -> None:
    emitted, small = in_a_file(lenet()), emit(lenet(), options=Options("net"))
    data = emitted.data[FILE]
    assert emitted.files["net.c"] == small.files["net.c"]
    text = small.files[HEADER].split("{")[1].split("}")[0]
    assert [*data][: text.count(",") + 1] == [int(number) for number in text.split(",")]
    assert text in emitted.files[ARRAYS]


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("kind", ["bytes", "words", "float32"])
def test_compilers_take_it_in(tmp_path: Path, compiler: str, kind: str) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"there is no {compiler}")
    graph = network(kind, tmp_path)
    assert said(in_a_file(graph), tmp_path, compiler, "-O1").startswith("PASS")
    (tmp_path / "inside" / FILE).unlink()
    assert built(tmp_path, compiler, "-O1", "-DNET_GOLDEN_IN_C").startswith("PASS")


@pytest.mark.parametrize("kind", ["bytes", "words", "float32"])
def test_a_big_endian_processor(tmp_path: Path, kind: str) -> None:
    if BIG_ENDIAN.missing():
        pytest.skip(str(BIG_ENDIAN.missing()))
    graph = network(kind, tmp_path)
    emitted = in_a_file(graph)
    assert ("__ORDER_LITTLE_ENDIAN__" in emitted.files[HEADER]) == (kind != "bytes")
    printed = said(emitted, tmp_path, *BIG_ENDIAN.compiler, run=BIG_ENDIAN.run[:-1])
    assert printed.startswith("PASS")


@pytest.mark.parametrize("place", [-40, -23, -1])
def test_every_byte_of_an_output_counts(tmp_path: Path, place: int) -> None:
    emitted = in_a_file(words())
    wrong = bytearray(emitted.data[FILE])
    wrong[place] ^= 1
    changed = replace(emitted, data={**emitted.data, FILE: bytes(wrong)})
    assert said(changed, tmp_path, *checking.command()).startswith("FAIL: vector 7")


def test_python_calls_a_network_that_has_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checking.command()
    monkeypatch.setenv("QUANTBENCH_CACHE", str(tmp_path))
    graph = unsigned()
    emitted = emit(graph, options=Options(golden_from=1, samples=4))
    assert emitted.together is not None
    images = np.random.default_rng(1).normal(0, 1, (5, 1, 12, 12)).astype(np.float32)
    other = loaded(emit(graph), 1)(images)
    assert np.array_equal(loaded(emitted, 1)(images), other)
