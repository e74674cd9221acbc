"""A worker that is no process, for tests of what is asked of workers and what becomes of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quantbench.harness.deadline import NO_LIMIT, Deadline
from quantbench.harness.process import Worker
from quantbench.harness.worker import Request


class StubWorker(Worker):
    """A call takes 100 us a sample; a subclass gives the `outputs`, and may refuse in `begin`."""

    def __init__(self, name: str, threads: int, _: Path) -> None:
        self.name = name
        self.threads = threads

    def __enter__(self) -> StubWorker:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def begin(self, request: Request) -> None:
        """Called at each request; what it raises is the worker's."""

    def outputs(self) -> NDArray[np.float32]:
        """The network's output for all samples, [N, ...]."""
        raise NotImplementedError

    def ask(
        self, request: Request, timeout: float, deadline: Deadline = NO_LIMIT
    ) -> dict[str, object]:
        assert min(timeout, deadline.left) > 0
        self.begin(request)
        if request.do.startswith("time"):
            micros = [100.0 * request.batch] * request.calls
            return {"microseconds": micros, "wall": sum(micros), "cpu": 100.0}
        if request.do == "predict":
            np.save(Path(request.out) / "output-0.npy", self.outputs())
        return {"seconds": 0.5, "bytes": 1 << 20}
