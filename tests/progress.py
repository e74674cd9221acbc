"""A Progress that keeps what it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from quantbench.system.progress import NoProgress

T = TypeVar("T")


class Recorded(NoProgress):
    """`lines` as logged; `loops`: description, total and names of items, once a loop has ended."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.loops: list[tuple[str, int, list[str]]] = []

    def log(self, line: str) -> None:
        self.lines.append(line)

    def each(
        self,
        items: Iterable[T],
        description: str,
        total: int,
        name: Callable[[T], str] | None = None,
    ) -> Iterator[T]:
        names: list[str] = []
        for item in items:
            names.append(name(item) if name else "")
            yield item
        self.loops.append((description, total, names))


class Stopped(KeyboardInterrupt):
    """Raised by `Stopping` instead of an item."""


class Stopping(NoProgress):
    """Raises Stopped in the loop that begins with `description`, before item number `at`."""

    def __init__(self, description: str, at: int = 0) -> None:
        self._description = description
        self._at = at

    def each(
        self,
        items: Iterable[T],
        description: str,
        total: int,  # noqa: ARG002
        name: Callable[[T], str] | None = None,  # noqa: ARG002
    ) -> Iterator[T]:
        for number, item in enumerate(items):
            if description.startswith(self._description) and number == self._at:
                raise Stopped
            yield item
