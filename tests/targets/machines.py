"""Machines that this one is not, and the tools that tests on them need."""

from __future__ import annotations

import shutil

import pytest

from quantbench.c99.build.machines import MACHINES as MACHINES
from quantbench.c99.build.machines import Machine as Machine


def needs(*tools: str) -> list[pytest.MarkDecorator]:
    """Marks that skip a test, with the reason, where a tool is missing."""
    return [
        pytest.mark.skipif(shutil.which(tool) is None, reason=f"there is no {tool}")
        for tool in tools
    ]
