from __future__ import annotations

import errno
import json
import os
import signal
from pathlib import Path

import pytest

from quantbench.errors import LockedError, StorageError
from quantbench.system import lock
from tests.process import start

HOLDER = """
import sys
from pathlib import Path
from quantbench.system.lock import locked

with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_names_its_owner_and_dies_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    holder = start("-c", HOLDER, str(folder), cwd=tmp_path)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(LockedError, match=f"{folder} is in use by process {holder.pid};"),
            lock.locked(folder),
        ):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with lock.locked(folder):
            assert (folder / ".lock").read_text() == str(os.getpid())
    finally:
        holder.kill()
        holder.communicate()


def test_a_lock_is_free_after_its_block(tmp_path: Path) -> None:
    for _ in range(2):
        with lock.locked(tmp_path):
            assert json.loads((tmp_path / ".lock").read_text()) == os.getpid()


def test_a_child_does_not_inherit_the_lock(tmp_path: Path) -> None:
    with lock.locked(tmp_path):
        child = start("-c", "import sys; sys.stdin.read()", cwd=tmp_path)
    try:
        with lock.locked(tmp_path):
            assert child.poll() is None
    finally:
        child.kill()
        child.communicate()


@pytest.mark.parametrize("kind", ["fifo", "link", "folder"])
def test_what_is_no_lock_is_named_and_left_alone(tmp_path: Path, kind: str) -> None:
    path, kept = tmp_path / ".lock", tmp_path / "kept"
    kept.write_bytes(b"mine")
    {"fifo": os.mkfifo, "link": lambda p: p.symlink_to(kept), "folder": Path.mkdir}[kind](path)
    with (
        pytest.raises(StorageError, match=r"\.lock is not a plain file; remove it"),
        lock.locked(tmp_path),
    ):
        pass
    assert kept.read_bytes() == b"mine"


def test_a_disk_that_is_full_to_the_last_byte_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    with (
        pytest.raises(StorageError, match=f"cannot write to {tmp_path}: No space left"),
        lock.locked(tmp_path),
    ):
        pass
