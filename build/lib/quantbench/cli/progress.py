"""Progress on standard error: bars on a terminal, one plain line for each loop anywhere else.

There is no refreshing thread: a loop may be a measurement, and its bar moves only between two of
its items.
"""

from __future__ import annotations

import atexit
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self, TypeVar

from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, Task, TaskID, TextColumn
from rich.progress import Progress as Bars
from rich.table import Column
from rich.text import Text

from quantbench.cli.loading import has_cursor, loading
from quantbench.system.terminal import Terminal, one_line

T = TypeVar("T")

INTERVAL = 0.1
"""The least number of seconds between two drawings of a bar."""


class TerminalProgress:
    """A `system.progress.Progress` on a terminal.

    Leaving its context gives the cursor back, whatever happened. A finished bar stays on the screen
    with its time, above those that still run.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Terminal(stderr=True, force_interactive=has_cursor())
        self._bars = Bars(
            TextColumn("{task.description}", markup=False, table_column=Column(min_width=24)),
            BarColumn(
                bar_width=None,
                complete_style="cyan",
                finished_style="green",
                table_column=Column(ratio=1, max_width=30),
            ),
            _Count(table_column=Column(justify="right", min_width=10, no_wrap=True)),
            _Times(table_column=Column(min_width=18, no_wrap=True)),
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            expand=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def each(
        self,
        items: Iterable[T],
        description: str,
        total: int,
        name: Callable[[T], str] | None = None,
    ) -> Iterator[T]:
        """Yield `items` behind a bar, or with one line at the end where there is no terminal."""
        if self._console.is_interactive:
            return self._with_bar(items, description, total, name)
        return self._with_line(items, description, total)

    def log(self, line: str) -> None:
        """Show one line above the bars."""
        self._console.print(Text(one_line(line)), soft_wrap=True)

    def waiting(self, what: str) -> AbstractContextManager[None]:
        """Show "loading `what` ..." while the context lasts."""
        return loading(what)

    def close(self) -> None:
        """Stop all bars, each left where it stands."""
        for task in self._bars.task_ids:
            self._leave(task)

    def _with_bar(
        self,
        items: Iterable[T],
        description: str,
        total: int,
        name: Callable[[T], str] | None,
    ) -> Iterator[T]:
        if not self._bars.task_ids:
            atexit.register(self.close)
            self._bars.start()
        description = one_line(description)
        task = self._bars.add_task(description, total=total)
        done = 0
        try:
            drawn = 0.0
            for item in items:
                if time.monotonic() - drawn >= INTERVAL:
                    words = f"{description}: {one_line(name(item))}" if name else description
                    self._bars.update(task, completed=done, description=words, refresh=True)
                    drawn = time.monotonic()
                yield item
                done += 1
            total = done
        finally:
            if task in self._bars.task_ids:
                self._bars.update(task, completed=done, total=total, description=description)
                self._leave(task)

    def _leave(self, task: TaskID) -> None:
        left = next(found for found in self._bars.tasks if found.id == task)
        left.stop_time = left.stop_time or left.get_time()
        row = self._bars.make_tasks_table([left])
        self._bars.remove_task(task)
        if not self._bars.task_ids:
            self._bars.stop()
            atexit.unregister(self.close)
        self._console.print(row)

    def _with_line(self, items: Iterable[T], description: str, total: int) -> Iterator[T]:
        start = time.monotonic()
        done = 0
        try:
            for item in items:
                yield item
                done += 1
            total = done
        finally:
            self.log(f"{description}: {done} of {total} in {_duration(time.monotonic() - start)}")


class _Count(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.completed:.0f} of {task.total:.0f}")


class _Times(ProgressColumn):
    """A column of the time elapsed and the time left."""

    def render(self, task: Task) -> Text:
        words = _duration(task.elapsed or 0.0)
        if task.stop_time is None and task.time_remaining is not None:
            words += f", {task.time_remaining:.0f} s left"
        elif not task.finished and task.stop_time is not None:
            words += ", stopped"
        return Text(words)


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02} min"
