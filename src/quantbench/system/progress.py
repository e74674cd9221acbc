"""What tells the user how far a long step is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, TypeVar

T = TypeVar("T")

Say = Callable[[str], None]
"""Takes one line for the user."""


def silent(line: str) -> None:
    pass


Waiting = Callable[[str], AbstractContextManager[None]]
"""Tells the user what is being loaded while its context lasts."""


def unannounced(what: str) -> AbstractContextManager[None]:  # noqa: ARG001
    """A Waiting that tells nobody."""
    return nullcontext()


class Track(Protocol):
    """Shows progress over an iterable, with the item at hand where it has a `name`."""

    def __call__(
        self,
        items: Iterable[T],
        description: str,
        total: int,
        name: Callable[[T], str] | None = None,
    ) -> Iterable[T]: ...


def quiet(
    items: Iterable[T],
    description: str,  # noqa: ARG001
    total: int,  # noqa: ARG001
    name: Callable[[T], str] | None = None,  # noqa: ARG001
) -> Iterable[T]:
    """Shows nothing."""
    return items
