from __future__ import annotations

import re
import stat
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from quantbench.c99.build import library, toolchain
from quantbench.c99.build.loader import loaded
from quantbench.c99.generate import emit
from quantbench.c99.ir.interpreter import dequantized, execute, quantized
from quantbench.c99.target.target import Target
from quantbench.errors import CompileError, StorageError, UnavailableError
from tests.c99 import checking
from tests.c99.builder import lenet
from tests.c99.emit.test_float32 import small
from tests.process import python


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    checking.command()
    monkeypatch.setenv("QUANTBENCH_CACHE", str(tmp_path / "cache é"))
    return tmp_path / "cache é" / "c99"


@pytest.mark.parametrize("threads", [1, 2])
def test_float32_in_and_out(cache: Path, threads: int) -> None:
    """Two threads share nothing but constants."""
    graph = lenet(type="int8")
    predict = loaded(emit(graph, Target.NATIVE), threads)
    inputs = np.random.default_rng(1).normal(0, 2, (65, 1, 32, 32)).astype(np.float32)
    given, taken = graph.tensors[graph.input], graph.tensors[graph.output]
    wanted = dequantized(execute(graph, quantized(inputs, given)), taken)
    assert np.array_equal(predict(inputs), wanted)
    assert np.array_equal(predict(inputs[7:8]), wanted[7:8])
    assert np.array_equal(predict(inputs[::-2]), wanted[::-2])
    assert predict(inputs[:0]).shape == (0, 10)
    with pytest.raises(ValueError, match=r"inputs are \[1, 32, 31\], not \[1, 32, 32\]"):
        predict(inputs[:, :, :, 1:])


def path_of(files: Mapping[str, str]) -> Path:
    with library.library(files) as path:
        return path


def test_built_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = emit(lenet()).files
    made = path_of(files)
    assert made.parent.parent == cache
    assert [path.name for path in cache.glob("*[!k]")] == [made.parent.name]
    assert {path.name for path in made.parent.iterdir()} == {"model.so", "manifest.json"}
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700

    def again(*arguments: object) -> Path:
        raise AssertionError("built again")

    monkeypatch.setattr(library, "_build", again)
    assert path_of(files) == made
    with pytest.raises(AssertionError, match="built again"):
        path_of(files | {"model.c": files["model.c"] + "\n"})
    here = library.environment(libraries=())
    other = here.model_copy(update={"instruction_sets": ("avx2",)})
    monkeypatch.setattr(library, "environment", lambda **_: other)
    with pytest.raises(AssertionError, match="built again"):
        path_of(files)


LOADING = """
import sys
import numpy as np
from quantbench.c99.generate import emit
from quantbench.c99.build.loader import loaded
from tests.c99.builder import lenet
from tests.c99.emit.test_float32 import small
from tests.process import python

inputs = np.random.default_rng(1).normal(0, 2, (65, 1, 32, 32)).astype(np.float32)
print(loaded(emit(lenet()), 1)(inputs).tobytes().hex())
"""


def flipped(data: bytes) -> bytes:
    """Weights and code changed here and there, nothing that a loader looks at."""
    middle = bytearray(data)
    middle[len(data) // 3 : 2 * len(data) // 3 : 97] = bytes(
        byte ^ 0x55 for byte in data[len(data) // 3 : 2 * len(data) // 3 : 97]
    )
    return bytes(middle)


@pytest.mark.parametrize(
    "damage", [flipped, lambda data: data[: len(data) // 2], lambda _: b""],
    ids=["flipped", "cut", "empty"],
)  # fmt: skip
def test_a_damaged_library_is_built_again(
    cache: Path, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    """In processes of their own: whoever maps a file that was cut dies of SIGBUS."""
    before = python("-c", LOADING, cwd=tmp_path)
    assert before.returncode == 0, before.stderr
    (path,) = cache.glob("*/model.so")
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    after = python("-c", LOADING, cwd=tmp_path)
    assert after.returncode == 0, after.stderr
    assert after.stdout == before.stdout
    assert path.stat().st_size == len(whole)


def wrong(files: Mapping[str, str]) -> dict[str, str]:
    """With another first output among the golden vectors."""
    golden = re.sub(r"(golden_outputs\[\] = \{\s+)", r"\g<1>12345, ", files["golden.h"])
    assert golden != files["golden.h"]
    return {**files, "golden.h": golden}


def test_a_library_that_computes_otherwise_is_not_used(cache: Path) -> None:
    with pytest.raises(CompileError, match=r"fails its golden vectors: FAIL: vector 0, output 0"):
        path_of(wrong(emit(lenet()).files))
    assert not list(cache.glob("*/model.so"))


@pytest.mark.parametrize("numbers", ["integer", "float32"])
def test_golden_vectors_pass_through_what_was_loaded(
    cache: Path, tmp_path: Path, numbers: str
) -> None:
    """Here building checks nothing."""
    network = emit(lenet()) if numbers == "integer" else small(tmp_path)
    passing = {**network.files, "main.c": "int main(void)\n{\n    return 0;\n}\n"}
    loaded(replace(network, files=passing), 1)
    with pytest.raises(CompileError, match="fails golden vector 1 as it is loaded"):
        loaded(replace(network, files=wrong(passing)), 1)


def test_a_cache_that_can_not_be_written(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.parent.touch()
    with pytest.raises(StorageError, match="set QUANTBENCH_CACHE"):
        path_of(emit(lenet()).files)


def test_no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(UnavailableError, match="no C compiler found; install gcc"):
        toolchain.find()


def test_a_compiler_that_fails_in_another_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho 'fatal error: caf\\351' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("CC", str(broken))
    with pytest.raises(UnavailableError, match="can't compile a few lines of C: fatal error: caf"):
        toolchain.find()


def test_a_compiler_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(command: Sequence[str], **more: object) -> None:
        raise subprocess.TimeoutExpired(list(command), 60)

    monkeypatch.setattr(subprocess, "run", hangs)
    monkeypatch.setenv("CC", "sh")
    with pytest.raises(UnavailableError, match="can't be run"):
        toolchain.find()
