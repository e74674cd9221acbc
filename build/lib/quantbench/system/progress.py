"""Progress: how a long step tells the user how far it has come."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, TypeVar

T = TypeVar("T")


class Progress(Protocol):
    """Shows the lines and loops of a long step; cli/ draws them, NO_PROGRESS drops them."""

    def log(self, line: str) -> None:
        """Show one line to the user."""

    def each(
        self,
        items: Iterable[T],
        description: str,
        total: int,
        name: Callable[[T], str] | None = None,
    ) -> Iterator[T]:
        """Yield `items` and show how many of `total` are done; `name` names the current one."""
        ...

    def waiting(self, what: str) -> AbstractContextManager[None]:
        """Show that `what` is being loaded while the context lasts."""
        ...


class NoProgress:
    """A Progress that shows nothing."""

    def log(self, line: str) -> None:
        """Drop the line."""

    def each(
        self,
        items: Iterable[T],
        description: str,  # noqa: ARG002
        total: int,  # noqa: ARG002
        name: Callable[[T], str] | None = None,  # noqa: ARG002
    ) -> Iterator[T]:
        """Yield `items`."""
        yield from items

    def waiting(self, what: str) -> AbstractContextManager[None]:  # noqa: ARG002
        """A context that does nothing."""
        return nullcontext()


class Lines(NoProgress):
    """A Progress that writes its lines to standard error."""

    def log(self, line: str) -> None:
        """Write the line."""
        sys.stderr.write(f"{line}\n")


class Kept:
    """A Progress that hands everything on to another one, and keeps the lines in `lines`."""

    def __init__(self, progress: Progress) -> None:
        self.lines: list[str] = []
        self._progress = progress

    def log(self, line: str) -> None:
        """Hand the line on, and keep it."""
        self.lines.append(line)
        self._progress.log(line)

    def each(
        self,
        items: Iterable[T],
        description: str,
        total: int,
        name: Callable[[T], str] | None = None,
    ) -> Iterator[T]:
        """Hand the loop on."""
        return self._progress.each(items, description, total, name)

    def waiting(self, what: str) -> AbstractContextManager[None]:
        """Hand the wait on."""
        return self._progress.waiting(what)


NO_PROGRESS: Progress = NoProgress()
