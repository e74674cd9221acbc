"""Machines that this one is not: how C is built for each, and what runs it here."""

from __future__ import annotations

import shutil

import pytest


def needs(*tools: str) -> list[pytest.MarkDecorator]:
    """Marks that skip a test, with the reason, where a tool is missing."""
    return [
        pytest.mark.skipif(shutil.which(tool) is None, reason=f"there is no {tool}")
        for tool in tools
    ]
