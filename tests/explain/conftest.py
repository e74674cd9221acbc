"""Fixtures of the tests of explain/."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def timed_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which artifacts of tests/explain/timed.py are made once for all tests."""
    return tmp_path_factory.mktemp("timed")
