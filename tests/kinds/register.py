"""Has quantbench find the kinds beside its own models, in this process and in its workers."""

from __future__ import annotations

from pathlib import Path

import pytest

from quantbench import plugins

FOLDER = Path(__file__).parent / "models"
KINDS = sorted(path.stem for path in FOLDER.glob("[a-z]*.py"))


def register(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(plugins, "_named_by_user", dict(plugins._named_by_user))
    plugins.use_plugins(*(FOLDER / f"{kind}.py" for kind in KINDS))
