from __future__ import annotations

import errno
import os
import shutil
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantbench.errors import ArtifactError, StorageError
from quantbench.system import store
from quantbench.system.record import Record


class Body(Record):
    note: str = "kept"


INPUTS: dict[str, Any] = {"seed": 1, "recipe": {"lr": 0.1}}


def fill(folder: Path) -> Body:
    (folder / "one.bin").write_bytes(b"one")
    (folder / "two.bin").write_bytes(b"two")
    return Body()


def saved(parent: Path, inputs: dict[str, Any] = INPUTS) -> store.Stored[Body]:
    return store.save(store.path_for(parent, "thing", inputs), "thing", inputs, fill)


def edit(stored: store.Stored[Body], **changes: Any) -> Path:
    """Writes the manifest anew, with a seal that fits."""
    path = stored.folder / store.MANIFEST
    manifest = store.Manifest.model_validate_json(path.read_bytes())
    changed = store.Manifest.model_validate(manifest.model_dump() | changes)
    sealed = changed.model_copy(update={"sha256": store._seal(changed)})
    path.write_text(sealed.model_dump_json(), encoding="utf-8")
    return path


def refused(stored: store.Stored[Body], named: Path) -> str:
    with pytest.raises(ArtifactError) as caught:
        store.load(stored.folder, "thing", Body)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert str(named) in message
    return message


def test_what_was_saved_is_found(tmp_path: Path) -> None:
    stored = saved(tmp_path)
    assert store.find(tmp_path, "thing", "thing", INPUTS, Body) == stored
    assert store.load(stored.folder, "thing", Body) == stored
    assert stored.bytes == 6
    assert [path.name for path in tmp_path.iterdir()] == [stored.folder.name]
    assert stat.S_IMODE(stored.folder.stat().st_mode) == 0o755


def test_other_inputs_find_nothing(tmp_path: Path) -> None:
    saved(tmp_path)
    assert store.find(tmp_path, "thing", "thing", INPUTS | {"seed": 2}, Body) is None
    assert store.find(tmp_path, "other", "thing", INPUTS, Body) is None


def test_a_folder_under_the_name_of_other_inputs_is_refused(tmp_path: Path) -> None:
    other = INPUTS | {"seed": 2}
    named = store.path_for(tmp_path, "thing", other)
    saved(tmp_path).folder.rename(named)
    with pytest.raises(ArtifactError, match="made from other inputs"):
        store.find(tmp_path, "thing", "thing", other, Body)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_exception_while_filling_leaves_nothing(
    tmp_path: Path, error: type[BaseException]
) -> None:
    def broken(folder: Path) -> Body:
        fill(folder)
        raise error

    with pytest.raises(error):
        store.save(tmp_path / "thing-1", "thing", INPUTS, broken)
    assert list(tmp_path.iterdir()) == []


def test_saving_again_replaces(tmp_path: Path) -> None:
    first = saved(tmp_path)
    (first.folder / "stray").write_bytes(b"left by hand")
    again = saved(tmp_path)
    assert sorted(path.name for path in again.folder.iterdir()) == [
        store.MANIFEST, "one.bin", "two.bin"
    ]  # fmt: skip


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
@pytest.mark.parametrize(
    "place", [(os, "fsync"), (Path, "rename"), (Path, "write_text"), (Path, "write_bytes"),
              (Path, "mkdir")], ids=lambda place: place[1],
)  # fmt: skip
def test_a_disk_that_takes_nothing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: tuple[Any, str], code: int
) -> None:
    kept = saved(tmp_path)

    def fail(*args: object, **options: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(*place, fail)
    with pytest.raises(StorageError) as caught:
        saved(tmp_path, INPUTS | {"seed": 2})
    monkeypatch.undo()
    message = str(caught.value)
    assert str(tmp_path) in message
    assert "--out" in message
    assert len(message.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == [kept.folder.name]
    assert store.load(kept.folder, "thing", Body) == kept


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


def test_changes_are_told_in_words(tmp_path: Path) -> None:
    assert store.changes(tmp_path, "thing", INPUTS) is None
    saved(tmp_path)
    after = {"seed": 2, "recipe": {"lr": 0.1, "shift": True}, "data": "a" * 50}
    assert store.changes(tmp_path, "thing", after) == (
        "data changed, recipe.shift unset -> true, seed 1 -> 2"
    )


def test_changes_are_against_the_newest(tmp_path: Path) -> None:
    for seed, age in ((1, 100), (2, 50), (3, 200)):
        folder = saved(tmp_path, INPUTS | {"seed": seed}).folder
        os.utime(folder, (time.time() - age,) * 2)
    assert store.changes(tmp_path, "thing", INPUTS | {"seed": 4}) == "seed 2 -> 4"


def test_changes_do_not_fail_at_an_old_folder_that_is_broken(tmp_path: Path) -> None:
    stored = saved(tmp_path)
    (stored.folder / store.MANIFEST).write_bytes(b"{")
    assert store.changes(tmp_path, "thing", INPUTS | {"seed": 2}) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def backwards(value: Any) -> Any:
    """The same value with each dictionary in the opposite order."""
    if isinstance(value, dict):
        return {name: backwards(inner) for name, inner in reversed(value.items())}
    return [backwards(inner) for inner in value] if isinstance(value, list) else value


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), JSON, max_size=4))
def test_a_key_does_not_depend_on_the_order(inputs: dict[str, Any]) -> None:
    assert store.key(inputs) == store.key(backwards(inputs))
    assert store.key(inputs) != store.key(inputs | {"another name": 1})


def test_a_key_is_of_the_values() -> None:
    keys = [store.key({"a": value}) for value in (1, 2, 1.5, "1", True, None, [1], {"1": 1})]
    assert len(set(keys)) == len(keys)


def test_only_what_was_left_half_made_is_cleaned_away(tmp_path: Path) -> None:
    kept = saved(tmp_path)
    half = tmp_path / f".{kept.folder.name}.abc123"
    half.mkdir()
    fill(half)
    store.clean(tmp_path)
    store.clean(tmp_path / "no such folder")
    assert list(tmp_path.iterdir()) == [kept.folder]
    assert store.load(kept.folder, "thing", Body) == kept


def test_a_real_full_disk(tmp_path: Path) -> None:
    """/dev/full takes nothing, as a full disk does."""
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()

    def onto_full(folder: Path) -> Body:
        (folder / "one.bin").symlink_to("/dev/full")
        (folder / "one.bin").write_bytes(b"one")
        return Body()

    with pytest.raises(StorageError, match="No space left"):
        store.save(tmp_path / "thing-1", "thing", INPUTS, onto_full)
    assert list(tmp_path.iterdir()) == []


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


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_the_umask_is_respected(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        stored = saved(tmp_path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(stored.folder.stat().st_mode) == 0o777 & ~umask
    for path in stored.folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
