"""Libraries that a worker opens without reading the network again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from quantbench.c99.build import direct, kept
from quantbench.c99.build.library import LIBRARY
from quantbench.errors import CompileError, StorageError, UnavailableError
from tests.c99 import checking
from tests.c99.models import Model, images
from tests.process import environment, python

SEED = 5
OPENED = f"""
import sys
from pathlib import Path
import numpy as np
from quantbench.c99.build.kept import load
inputs = np.random.default_rng({SEED}).normal(0, 20, (5, 2, 4, 4)).astype(np.float32)
answers = load(Path(sys.argv[1]), 1)(inputs)
print(answers.astype(np.float32).tobytes().hex(), "onnx" in sys.modules)
"""
INPUTS = np.random.default_rng(SEED).normal(0, 20, (5, 2, 4, 4)).astype(np.float32)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    checking.command()
    monkeypatch.setenv("QUANTBENCH_CACHE", str(tmp_path / "cache é"))
    return tmp_path / "cache é" / "c99"


def saved(folder: Path, *, quantized: bool = True, final: str = "") -> Path:
    model = Model()
    weights = np.random.default_rng(3).integers(-9, 10, (3, 2, 2, 2))
    if quantized:
        model.pair("x")
        model.conv(weights)
        model.pair()
    else:
        model.add("Conv", "x", model.constant(weights * 0.01))
    model.add("Flatten")
    if final:
        model.add(final)
    return model.saved(folder)


def opened(path: Path, folder: Path) -> tuple[bytes, bool]:
    """The answers in a process of its own, and whether it imported ONNX."""
    done = python("-c", OPENED, str(path), cwd=folder)
    assert done.returncode == 0, done.stderr
    answers, imported = done.stdout.split()
    return bytes.fromhex(answers), imported == "True"


@pytest.mark.parametrize("quantized", [True, False], ids=["int8", "float32"])
def test_a_worker_never_imports_onnx(tmp_path: Path, quantized: bool) -> None:
    """Also not in the process that is first: its memory is measured as well."""
    path = saved(tmp_path, quantized=quantized)
    (first, imported), again = opened(path, tmp_path), opened(path, tmp_path)
    assert again == (first, imported)
    assert not imported
    (wanted,) = ort.InferenceSession(path, providers=["CPUExecutionProvider"]).run(
        None, {"x": INPUTS}
    )
    answers = np.frombuffer(first, np.float32).reshape(wanted.shape)
    np.testing.assert_allclose(answers, wanted, rtol=1e-5, atol=0.51 if quantized else 1e-4)


def test_one_whose_answers_take_its_graph(tmp_path: Path) -> None:
    path = saved(tmp_path, quantized=False, final="Softmax")
    answers = np.frombuffer(opened(path, tmp_path)[0], np.float32).reshape(5, -1)
    assert np.allclose(answers.sum(1), 1, atol=1e-5)


def test_threads_share_a_batch(tmp_path: Path) -> None:
    path = saved(tmp_path)
    many = images(33, 2, 4, 4)
    assert np.array_equal(kept.load(path, 1)(many), kept.load(path, 2)(many))


def test_one_image_is_called_without_ctypes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With Python's headers; the bits are the same without them, and of any array."""
    path = saved(tmp_path)
    if direct.headers() is None:
        pytest.skip("Python's headers aren't installed")
    fast = kept.load(path, 1)
    assert type(fast).__name__ == "builtin_function_or_method"
    with monkeypatch.context() as patch:
        patch.setattr(direct, "headers", lambda: None)
        patch.setenv("QUANTBENCH_CACHE", str(tmp_path / "without"))
        patch.setattr(kept, "_BUILD", "tests.c99.build.without_headers")
        patch.setenv("PYTHONPATH", environment()["PYTHONPATH"])
        plain = kept.load(path, 1)
    assert type(plain).__name__ == "function"
    several = images(7, 2, 4, 4)
    for given in (several[:1], several, several[::-2], several[3:4][..., ::-1], several[:0]):
        assert np.array_equal(fast(given), plain(given))
    answer = fast(several[:1])
    fast(several[1:2])
    assert np.array_equal(answer, fast(several[:1]))  # each answer is an array of its own
    for wrong in (several[:, :1], several[:1, :, :2]):
        with pytest.raises(ValueError, match=r"inputs are \["):
            fast(wrong)


def test_a_damaged_library_is_built_again(tmp_path: Path, cache: Path) -> None:
    path = saved(tmp_path)
    before = opened(path, tmp_path)
    (library,) = cache.glob(f"opened-*/{LIBRARY}")
    library.write_bytes(library.read_bytes()[:1000])
    assert opened(path, tmp_path) == before


def test_another_network_under_the_same_name(tmp_path: Path) -> None:
    before = opened(saved(tmp_path), tmp_path)
    assert opened(saved(tmp_path, quantized=False), tmp_path) != before


def test_the_kind_of_an_error_outlives_the_process_that_builds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Model()
    model.pair("x")
    model.add("LSTM", None, *[model.constant(np.zeros((1, 4, 4), np.float32))] * 2, hidden_size=1)
    with pytest.raises(CompileError, match="LSTM"):
        kept.load(model.saved(tmp_path), 1)
    path = saved(tmp_path)
    with monkeypatch.context() as patch:
        patch.setenv("CC", "no-such-compiler")
        with pytest.raises(UnavailableError, match="no C compiler found"):
            kept.load(path, 1)
    with monkeypatch.context() as patch:
        patch.setattr(kept, "_BUILD", "quantbench.no_such_module")
        with pytest.raises(CompileError, match="No module named"):
            kept.load(path, 1)
    blocked = tmp_path / "a file"
    blocked.touch()
    monkeypatch.setenv("QUANTBENCH_CACHE", str(blocked))
    with pytest.raises(StorageError, match="set QUANTBENCH_CACHE"):
        kept.load(path, 1)


def test_errors_of_the_cache_reach_the_one_that_asks(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process that builds can't keep what it compiled."""
    path = saved(tmp_path)
    cache.mkdir(parents=True)
    entry = kept.entry

    def in_the_way(folder: Path, *rest: object) -> object:
        monkeypatch.setenv("QUANTBENCH_CACHE", "/dev/null/none")
        return entry(folder, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(kept, "entry", in_the_way)
    with pytest.raises(StorageError, match="set QUANTBENCH_CACHE"):
        kept.load(path, 1)
