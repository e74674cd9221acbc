from __future__ import annotations

from pathlib import Path

import pytest

from tests.c99 import checking


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Libraries that a test builds are its own; skips where there is no C compiler."""
    checking.command()
    monkeypatch.setenv("QUANTBENCH_CACHE", str(tmp_path / "cache"))
