"""A worker that is no process: it takes notes, and tells times that are made up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from quantbench.errors import WorkerError
from quantbench.harness.deadline import NO_LIMIT, Deadline
from quantbench.harness.worker import Request


def _never(_: Request) -> str | None:
    return None


@dataclass
class Note:
    """A worker whose time for a sample is `cost` times how slow the machine is by then.

    The machine slows with each request of one kind and batch, so rows compare within a pass alone.
    `failing` tells with which reason a request fails; `log` may be shared by workers.
    """

    name: str
    cost: float
    threads: int = 1
    asked: list[Request] = field(default_factory=list)
    failing: Callable[[Request], str | None] = _never
    log: list[tuple[str, Request]] = field(default_factory=list)

    def ask(
        self, request: Request, timeout: float, deadline: Deadline = NO_LIMIT
    ) -> dict[str, object]:
        assert min(timeout, deadline.left) > 0
        if reason := self.failing(request):
            raise WorkerError(reason)
        self.asked.append(request)
        self.log.append((self.name, request))
        if request.do in {"pin", "samples"}:
            return {}
        if request.do == "load":
            return {"seconds": 0.5}
        if request.do == "memory":
            return {"bytes": 1 << 20}
        slow = sum(r.do == request.do and r.batch == request.batch for r in self.asked)
        micros = self.cost * (1 + slow) * request.batch
        groups = -(-request.calls // request.group)
        wall = micros * request.calls
        return {"microseconds": [micros] * groups, "wall": wall, "cpu": 2 * wall}
