"""Keep the newest drawing of each page: one that was overtaken isn't answered."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import NamedTuple

_PAGES = 64
"""The pages that are remembered, those used last."""


class Stroke(NamedTuple):
    """The drawing that a page sends: the page's own name, and how many it has sent."""

    page: str
    number: int


class Strokes:
    """The newest drawing of each page; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: OrderedDict[str, int] = OrderedDict()

    def begin(self, stroke: Stroke | None) -> None:
        """Note that a drawing has come."""
        if stroke is None:
            return
        with self._lock:
            self._newest[stroke.page] = max(self._newest.get(stroke.page, 0), stroke.number)
            self._newest.move_to_end(stroke.page)
            if len(self._newest) > _PAGES:
                self._newest.popitem(last=False)

    def is_overtaken(self, stroke: Stroke | None) -> bool:
        """Whether the page has sent a newer drawing since; never for one without a number."""
        if stroke is None:
            return False
        with self._lock:
            return self._newest.get(stroke.page, 0) > stroke.number
