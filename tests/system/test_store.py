"""Steps are saved whole or not at all, and found again by their inputs."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantbench.errors import ArtifactError, StorageError
from quantbench.system import store
from tests.system.stored import INPUTS, Body, fill, saved


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
    other_inputs = INPUTS | {"seed": 2}
    named = store.path_for(tmp_path, "thing", other_inputs)
    saved(tmp_path).folder.rename(named)
    with pytest.raises(ArtifactError, match="made from other inputs"):
        store.find(tmp_path, "thing", "thing", other_inputs, Body)


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
