from __future__ import annotations

import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import JsonValue

from quantbench.errors import StorageError
from quantbench.system import cache
from quantbench.system.cache import root
from quantbench.system.record import Record
from tests.process import start


def test_where_the_cache_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/someone")
    monkeypatch.setenv("QUANTBENCH_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert root() == Path("/someone/.cache/quantbench")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert root() == Path("/xdg/quantbench")
    monkeypatch.setenv("QUANTBENCH_CACHE", "/own")
    assert root() == Path("/own")
    assert root(tmp_path) == tmp_path


class Body(Record):
    note: str = "kept"


INPUTS: dict[str, JsonValue] = {"source": "0"}


class Maker:
    """Fills an entry with one file, and counts how often."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, folder: Path) -> Body:
        self.times += 1
        (folder / "one.bin").write_bytes(b"one" * 1000)
        return Body()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QUANTBENCH_CACHE", str(tmp_path / "cache"))
    return cache.code_folder("c99")


def content(folder: Path, make: Callable[[Path], Body]) -> bytes:
    with cache.entry(folder, "thing", "thing", INPUTS, Body, make) as stored:
        return (stored.folder / "one.bin").read_bytes()


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def link(path: Path) -> None:
    path.rename(path.with_suffix(".old"))
    path.symlink_to(path.with_suffix(".old"))


@pytest.mark.parametrize("file", ["one.bin", "manifest.json"])
@pytest.mark.parametrize(
    "damage", [flip, fifo, link, Path.unlink, lambda path: os.truncate(path, 100)],
    ids=["flip", "fifo", "link", "unlink", "cut"],
)  # fmt: skip
def test_a_damaged_entry_is_made_again(
    folder: Path, file: str, damage: Callable[[Path], None]
) -> None:
    make = Maker()
    assert content(folder, make) == content(folder, make) == b"one" * 1000
    assert make.times == 1
    with cache.entry(folder, "thing", "thing", INPUTS, Body, make) as stored:
        path = stored.folder / file
    damage(path)
    assert content(folder, make) == b"one" * 1000
    assert make.times == 2
    assert content(folder, make) == b"one" * 1000
    assert make.times == 2


def test_only_its_owner_enters_a_folder_that_code_is_run_from(folder: Path) -> None:
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o777)
    assert stat.S_IMODE(cache.code_folder("c99").stat().st_mode) == 0o700


def test_what_a_killed_process_left_half_made_is_removed(folder: Path) -> None:
    make = Maker()
    path = cache.path_for(folder, "thing", INPUTS)
    half, foreign = folder / f".{path.name}.abc", folder / ".thing-0123456789ab.abc"
    for left in (half, foreign):
        left.mkdir()
        (left / "one.bin").write_bytes(b"o")
    content(folder, make)
    assert {left.name for left in folder.iterdir()} == {
        path.name, f"{path.name}.lock", foreign.name
    }  # fmt: skip


WAITING = """
import sys
from pathlib import Path
from quantbench.system import cache
from tests.system.test_cache import INPUTS, Body, Maker

def make(folder):
    print("making", flush=True)
    sys.stdin.readline()
    return Maker()(folder)

with cache.entry(Path(sys.argv[1]), "thing", "thing", INPUTS, Body, make):
    print("made", flush=True)
"""


def test_an_entry_is_made_by_one_process_while_others_wait(folder: Path) -> None:
    first, second = (start("-c", WAITING, str(folder), cwd=folder) for _ in range(2))
    try:
        for process in (first, second):
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        printed = [process.communicate(timeout=60)[0].split() for process in (first, second)]
    finally:
        for process in (first, second):
            process.kill()
    assert sorted(printed) == [["made"], ["making", "made"]]


def test_the_next_one_makes_what_a_killed_process_did_not(folder: Path) -> None:
    killed = start("-c", WAITING, str(folder), cwd=folder)
    assert killed.stdout is not None
    assert killed.stdout.readline() == "making\n"
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    make = Maker()
    assert content(folder, make) == b"one" * 1000
    assert make.times == 1
    assert not list(folder.glob(".*"))


def test_a_cache_that_can_not_be_written_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = cache.path_for(folder, "thing", INPUTS)
    path.with_name(f"{path.name}.lock").mkdir()
    with pytest.raises(StorageError, match=r"thing-.*\.lock is not a plain file; remove it"):
        content(folder, Maker())
    path.with_name(f"{path.name}.lock").rmdir()

    def full(place: Path) -> Body:
        (place / "one.bin").symlink_to("/dev/full")
        (place / "one.bin").write_bytes(b"one")
        return Body()

    message = r"can't write the cache .*c99 \(No space left on device\); set QUANTBENCH_CACHE"
    with pytest.raises(StorageError, match=message):
        content(folder, full)
    assert [left.name for left in folder.iterdir()] == [f"{path.name}.lock"]
