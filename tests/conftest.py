"""Fixtures that more than one folder of tests needs."""

from __future__ import annotations

import pytest

from quantbench.data import Splits, load
from quantbench.data.mnist import SPEC


@pytest.fixture(scope="session")
def mnist() -> Splits:
    """The real MNIST, through the ordinary cache and sources."""
    return load(SPEC)
