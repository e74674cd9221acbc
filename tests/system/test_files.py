from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from quantbench.errors import StorageError
from quantbench.system import files
from quantbench.system.lock import locked


def full_disk(*args: object, **options: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("place", [(os, "fsync"), (Path, "replace")], ids=lambda place: place[1])
def test_an_atomic_write_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: tuple[Any, str]
) -> None:
    path = tmp_path / "results.json"
    files.write_atomic(path, b"old")
    monkeypatch.setattr(*place, full_disk)
    with pytest.raises(StorageError, match="No space left"):
        files.write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_atomic_write_makes_the_folders_above(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "results.json"
    files.write_atomic(path, b"{}")
    files.write_atomic(path, b"[]")
    assert path.read_bytes() == b"[]"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "results").write_bytes(b"")
    with pytest.raises(StorageError, match="results"):
        files.write_atomic(tmp_path / "results" / "figure.png", b"")
    with pytest.raises(StorageError, match="results"), locked(tmp_path / "results"):
        pass


def test_an_error_of_another_kind_is_not_called_a_full_disk(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Input/output error"), files.writing(tmp_path):
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_an_atomic_write_sweeps_what_was_left_half_written_long_ago(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    names = [
        ".results.json.abcd1234",
        ".results.json.young",
        ".other.json.abcd1234",
        "results.json.x",
    ]
    for name in names:
        (tmp_path / name).write_bytes(b"half")
        if "young" not in name:
            os.utime(tmp_path / name, (0, 0))
    files.write_atomic(path, b"{}")
    assert {p.name for p in tmp_path.iterdir()} == {"results.json", *names[1:]}
    assert path.read_bytes() == b"{}"


def test_sweeping_takes_folders_and_links_but_not_what_they_lead_to(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_bytes(b"")
    parts = tmp_path / "parts"
    (parts / "part-one").mkdir(parents=True)
    (parts / "part-one" / "half.so").write_bytes(b"")
    (parts / "part-two").symlink_to(outside)
    (parts / "part-young").mkdir()
    for name in ("part-one", "part-two"):
        os.utime(parts / name, (0, 0), follow_symlinks=False)
    files.sweep(parts, "part-*")
    files.sweep(tmp_path / "none", "*")
    assert [p.name for p in parts.iterdir()] == ["part-young"]
    assert (outside / "kept").is_file()


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_the_umask_is_respected(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        files.write_atomic(tmp_path / "results.json", b"{}")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "results.json").stat().st_mode) == 0o666 & ~umask


def test_only_plain_files_are_read(tmp_path: Path) -> None:
    plain, link, fifo = (tmp_path / name for name in ("plain", "link", "fifo"))
    plain.write_bytes(b"0123456789")
    link.symlink_to(plain)
    os.mkfifo(fifo)
    assert files.read_plain(plain, 4) == files.read_plain(link, 4) == b"0123"
    for path, follow in ((fifo, True), (Path("/dev/zero"), True), (tmp_path, True), (link, False)):
        before = len(list(Path("/proc/self/fd").iterdir()))
        with pytest.raises(OSError, match=r"not a plain file|symbolic links"):
            files.read_plain(path, 4, follow=follow)
        assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_the_temporary_folder_is_named_where_it_is_what_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, temporary = tmp_path / "results", tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(files.tempfile, "tempdir", str(temporary))
    full = {"tmp"}
    usage = files.shutil.disk_usage

    def measured(path: Path) -> Any:
        return usage(path)._replace(free=0 if path.name in full else 1 << 40)

    monkeypatch.setattr(files.shutil, "disk_usage", measured)

    def told(error: OSError) -> str:
        with pytest.raises(StorageError) as caught, files.writing(out):
            raise error
        return str(caught.value)

    without_name = OSError(errno.ENOSPC, "No space left on device")
    with_name = OSError(errno.ENOSPC, "No space left on device", str(temporary / "a" / "b"))
    elsewhere = OSError(errno.ENOSPC, "No space left on device", str(out / "a"))
    for error in (without_name, with_name):
        assert told(error) == (
            f"cannot write to the temporary folder {temporary}: No space left on device; "
            "free some space there or set TMPDIR to another folder"
        )
    assert told(elsewhere).startswith(f"cannot write to {out}: ")
    full.clear()
    assert told(without_name).startswith(f"cannot write to {out}: ")
