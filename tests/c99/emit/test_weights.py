"""Weights in a file of their own: what it holds, and that every compiler finds it."""

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
from quantbench.c99.check.golden import vectors
from quantbench.c99.emit.library import Emitted, Options
from quantbench.c99.generate import emit
from quantbench.c99.importer import import_onnx
from quantbench.c99.ir.interpreter import dequantized, execute
from quantbench.c99.ir.weights import PackedWeights
from quantbench.c99.target.target import Dtype, Target
from tests.c99.builder import lenet
from tests.c99.checking import native
from tests.c99.models import Model

ISAS = ("avx512vnni", "avx2")
BIG_ENDIAN = next(machine for machine in MACHINES if "big-endian" in machine.name)
LENET_WEIGHTS = 61_470


def in_a_file(target: Target) -> Emitted:
    isas = ISAS if target == Target.NATIVE else ()
    return emit(lenet(), target, Options("net", isas, file_from=LENET_WEIGHTS))


def built(emitted: Emitted, folder: Path, *command: str) -> None:
    """Build the program from outside of the network's folder."""
    (folder / "inside").mkdir(exist_ok=True)
    write_files(emitted.all_files, folder / "inside")
    sources = [f"inside/{emitted.name}.c", "inside/main.c"]
    build = [*command, "-std=c99", *WARNINGS, *sources, "-lm", "-o", "check"]
    done = subprocess.run(build, cwd=folder, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr


def passes(folder: Path, *simulator: str) -> bool:
    run = [*simulator, "./check"]
    done = subprocess.run(run, cwd=folder, capture_output=True, check=False, text=True)
    return done.stdout.startswith("PASS")


def test_a_small_network_is_one_c_file() -> None:
    emitted = emit(lenet())
    assert not emitted.data
    assert emitted.files.keys() == {"model.h", "model.c", "golden.h", "main.c"}
    larger = emit(lenet(), options=Options(file_from=LENET_WEIGHTS + 1))
    assert larger.files == emitted.files


def test_the_file_holds_each_order_of_the_weights() -> None:
    portable, wide = in_a_file(Target.PORTABLE), in_a_file(Target.NATIVE)
    assert len(portable.data["net.c.bin"]) == LENET_WEIGHTS
    assert wide.data["net.c.bin"].count(portable.data["net.c.bin"][:150]) == 1
    assert "net.c.bin" in portable.files["net.c"][:400]
    assert "weights[] = {" not in portable.files["net.c"]
    assert portable.files["net_weights.h"].count("static const int8_t net_l") == 5


def test_the_bytes_of_a_number_have_one_order() -> None:
    assert PackedWeights("int16_t", "w", np.array([258, -2])).data() == b"\x02\x01\xfe\xff"
    assert PackedWeights("int8_t", "w", np.array([-128, 127]), simd=False).any_byte_order
    assert not PackedWeights("int16_t", "w", np.array([258]), simd=False).any_byte_order


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("target", [Target.PORTABLE, Target.NATIVE])
def test_compilers_take_it_in(tmp_path: Path, compiler: str, target: Target) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"there is no {compiler}")
    built(in_a_file(target), tmp_path, compiler, "-O1", *native())
    assert passes(tmp_path)
    (tmp_path / "inside" / "net.c.bin").unlink()
    built_without = ["-O1", *native(), "-DNET_WEIGHTS_IN_C", "inside/net.c", "inside/main.c"]
    subprocess.run([compiler, *built_without, "-o", "check"], cwd=tmp_path, check=True)
    assert passes(tmp_path)


def test_a_wrong_byte_is_found(tmp_path: Path) -> None:
    emitted = in_a_file(Target.PORTABLE)
    right = emitted.data["net.c.bin"]
    wrong = bytes([right[0] ^ 64]) + right[1:]
    built(replace(emitted, data={"net.c.bin": wrong}), tmp_path, "cc", "-O1")
    assert not passes(tmp_path)


def test_nothing_else_is_exported(tmp_path: Path) -> None:
    write_files(in_a_file(Target.PORTABLE).all_files, tmp_path)
    build = ["cc", "-shared", "-fPIC", "net.c", "-o", "net.so"]
    subprocess.run(build, cwd=tmp_path, check=True)
    listed = subprocess.run(
        ["nm", "-D", "--defined-only", "net.so"], cwd=tmp_path, check=True, capture_output=True
    )
    names = [line.split()[-1] for line in listed.stdout.decode().splitlines()]
    assert [name for name in names if name.startswith("net")] == ["net_run"]


def test_a_big_endian_processor(tmp_path: Path) -> None:
    if BIG_ENDIAN.missing():
        pytest.skip(str(BIG_ENDIAN.missing()))
    built(in_a_file(Target.PORTABLE), tmp_path, *BIG_ENDIAN.compiler)
    assert passes(tmp_path, *BIG_ENDIAN.run[:-1])


def test_float32_is_little_endian_or_in_c(tmp_path: Path) -> None:
    model = Model(("n", 6))
    weights = np.random.default_rng(1).normal(0, 0.3, (5, 6))
    model.add("Gemm", None, model.constant(weights), transB=1)
    graph = import_onnx(model.saved(tmp_path), Dtype.FLOAT32)
    emitted = emit(graph, options=Options(file_from=1))
    assert "__ORDER_LITTLE_ENDIAN__" in emitted.files["model.c"]
    built(emitted, tmp_path, "cc", "-O1")
    assert passes(tmp_path)
    if not BIG_ENDIAN.missing():
        built(emitted, tmp_path, *BIG_ENDIAN.compiler)
        assert passes(tmp_path, *BIG_ENDIAN.run[:-1])


def test_python_calls_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANTBENCH_CACHE", str(tmp_path))
    graph = lenet()
    emitted = emit(graph, Target.NATIVE, Options(isas=ISAS, file_from=1))
    given, taken = (emitted.plan.graph.tensors[end] for end in (graph.input, graph.output))
    inputs = vectors(emitted.plan.graph, 3, seed=3)
    wanted = dequantized(execute(emitted.plan.graph, inputs), taken)
    assert np.array_equal(loaded(emitted, 1)(dequantized(inputs, given)), wanted)
