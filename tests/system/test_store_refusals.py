"""A stored folder that isn't as it was saved is refused, with what to do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantbench.errors import ArtifactError
from quantbench.system import store
from tests.system.stored import INPUTS, Body, edit, refused, saved

EDITS: dict[str, Callable[[str], str]] = {
    "a word of the body": lambda text: text.replace("kept", "Kept"),
    "an input": lambda text: text.replace("0.1", "0.2"),
    "a size": lambda text: text.replace('"bytes": 3', '"bytes": 4'),
    "the seal": lambda text: text.replace('"sha256": "', '"sha256": "0'),
    "NaN": lambda text: text.replace("0.1", "NaN"),
    "infinity": lambda text: text.replace("0.1", "1e999"),
}


@pytest.mark.parametrize("what", EDITS)
def test_an_edited_manifest_is_refused(tmp_path: Path, what: str) -> None:
    stored = saved(tmp_path)
    path = stored.folder / store.MANIFEST
    before = path.read_text()
    path.write_text(EDITS[what](before))
    assert path.read_text() != before
    message = refused(stored, path)
    assert str(stored.folder) in message.split(";")[1]  # what to do about it


CONTENTS = {
    "nothing": b"",
    "not JSON": b"{",
    "a list": b"[]",
    "no such fields": b'{"a": 1}',
    "not UTF-8": b"\xff\xfe",
    "deep": b"[" * 100_000,
    "deep inside": b'{"schema_version":1,"kind":"thing","files":{},"body":{},"inputs":{"a":'
    + b"[" * 500 + b"]" * 500 + b"}}",
    "an unpaired surrogate": b'{"schema_version":1,"kind":"\\ud800","inputs":{},"files":{},'
    b'"body":{},"sha256":""}',
}  # fmt: skip


@pytest.mark.parametrize("what", CONTENTS)
def test_what_is_no_manifest_is_refused(tmp_path: Path, what: str) -> None:
    stored = saved(tmp_path)
    path = stored.folder / store.MANIFEST
    path.write_bytes(CONTENTS[what])
    refused(stored, path)


@given(cut=st.integers(0, 600))
def test_a_cut_manifest_is_refused(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    stored = saved(tmp_path_factory.mktemp("cut"))
    path = stored.folder / store.MANIFEST
    whole = path.read_bytes()
    path.write_bytes(whole[: min(cut, len(whole) - 3)])  # it ends with "\n}\n"
    refused(stored, path)


def test_a_huge_manifest_is_not_read(tmp_path: Path) -> None:
    stored = saved(tmp_path)
    path = stored.folder / store.MANIFEST
    with path.open("r+b") as file:
        file.truncate(1 << 40)  # a hole: no disk could hold it twice
    assert "too large" in refused(stored, path)


def test_a_manifest_that_is_no_plain_file_is_refused(tmp_path: Path) -> None:
    stored = saved(tmp_path)
    path = stored.folder / store.MANIFEST
    path.unlink()
    refused(stored, path)
    path.mkdir()
    refused(stored, path)
    path.rmdir()
    os.mkfifo(path)  # whoever reads it waits for ever
    refused(stored, path)


def test_an_edited_file_is_refused(tmp_path: Path) -> None:
    stored = saved(tmp_path)
    path = stored.folder / "one.bin"
    path.write_bytes(b"One")
    assert "SHA-256" in refused(stored, path)


def test_a_grown_file_is_refused(tmp_path: Path) -> None:
    stored = saved(tmp_path)
    path = stored.folder / "one.bin"
    path.write_bytes(b"one more")
    refused(stored, path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    stored = saved(tmp_path)
    path = stored.folder / "two.bin"
    path.unlink()
    assert "missing" in refused(stored, path)


def test_a_link_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    stored = saved(tmp_path)
    path = stored.folder / "two.bin"
    path.rename(tmp_path / "outside.bin")
    path.symlink_to(tmp_path / "outside.bin")
    assert "plain file" in refused(stored, path)


@pytest.mark.parametrize(
    "name", ["../outside.bin", "/etc/hostname", "sub/one.bin", ".", "..", "", "a\0b", "a" * 300]
)
def test_a_file_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    stored = saved(tmp_path)
    (tmp_path / "outside.bin").write_bytes(b"one")
    (stored.folder / "sub").mkdir()
    (stored.folder / "sub" / "one.bin").write_bytes(b"one")
    edit(stored, files={name: stored.files["one.bin"]})
    refused(stored, stored.folder)


def test_another_kind_is_refused(tmp_path: Path) -> None:
    stored = saved(tmp_path)
    with pytest.raises(ArtifactError, match="holds a thing, not a checkpoint"):
        store.load(stored.folder, "checkpoint", Body)


def test_another_schema_is_refused(tmp_path: Path) -> None:
    stored = saved(tmp_path)
    path = edit(stored, schema_version=2)
    assert "schema 2" in refused(stored, path)


def test_a_body_of_another_shape_is_refused(tmp_path: Path) -> None:
    stored = saved(tmp_path)
    path = edit(stored, body={"note": "kept", "more": 1})
    assert "this version" in refused(stored, path)


def no_folder(path: Path, kind: str) -> None:
    shutil.rmtree(path)
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "file":
        path.touch()
    else:
        path.symlink_to("/dev/zero" if kind == "device" else path.with_name("nowhere"))


@pytest.mark.parametrize("kind", ["fifo", "file", "device", "dangling"])
def test_what_is_no_folder_in_place_of_one_is_refused_and_replaced(
    tmp_path: Path, kind: str
) -> None:
    stored = saved(tmp_path)
    no_folder(stored.folder, kind)
    with pytest.raises(ArtifactError, match=f"{stored.folder} is not a folder of its own; remove"):
        store.find(tmp_path, "thing", "thing", INPUTS, Body)
    assert saved(tmp_path) == stored
    assert store.find(tmp_path, "thing", "thing", INPUTS, Body) == stored


def test_a_link_in_place_of_a_folder_is_refused_and_what_it_leads_to_is_kept(
    tmp_path: Path,
) -> None:
    stored = saved(tmp_path / "steps")
    outside = stored.folder.rename(tmp_path / "outside")
    stored.folder.symlink_to(outside)
    with pytest.raises(ArtifactError, match="is not a folder of its own"):
        store.find(tmp_path / "steps", "thing", "thing", INPUTS, Body)
    assert saved(tmp_path / "steps") == stored
    assert not stored.folder.is_symlink()
    assert store.load(outside, "thing", Body).files == stored.files


@pytest.mark.parametrize("file", ["one.bin", store.MANIFEST])
@pytest.mark.parametrize("kind", ["fifo", "device"])
def test_a_pipe_or_a_device_in_place_of_a_file_is_refused_at_once(
    tmp_path: Path, file: str, kind: str
) -> None:
    stored = saved(tmp_path)
    path = stored.folder / file
    path.unlink()
    os.mkfifo(path) if kind == "fifo" else path.symlink_to("/dev/zero")
    assert "plain file" in refused(stored, path)
