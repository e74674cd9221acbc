"""A headless Chromium, and pages that are opened in it from disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


@dataclass
class Opened:
    """A page with all that it said and asked for."""

    page: Any
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser; the test is skipped where none is here."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("no Chromium is here; tests/targets/install installs it where it can")
    with api.sync_playwright() as playwright:
        # Tests run as root in containers, where Chromium's own sandbox can't start.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Any, file: Path, theme: str = "light", size: Any = None) -> Iterator[Opened]:
    """The page of a file, in a context of its own."""
    context = browser.new_context(
        viewport=size or DESKTOP, color_scheme=theme, accept_downloads=True
    )
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    shown = Opened(context.new_page())
    shown.page.on("console", lambda message: shown.said.append(message.text))
    shown.page.on("pageerror", lambda error: shown.said.append(str(error)))
    shown.page.on("request", lambda request: shown.asked.append(request.url))
    shown.page.goto(file.as_uri())
    try:
        yield shown
    finally:
        context.close()
