"""A small step that is stored, and its damage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from quantbench.errors import ArtifactError
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
