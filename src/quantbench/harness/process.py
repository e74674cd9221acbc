"""Worker processes, from the parent's side: start one, ask it, end it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from pydantic import JsonValue

from quantbench import plugins
from quantbench.errors import OutOfTimeError, UnavailableError, WorkerError, WorkerLostError
from quantbench.harness.deadline import NO_LIMIT, Deadline
from quantbench.harness.worker import ALIVE, Request
from quantbench.system.machine import why_no_studies

WORKER = "quantbench.harness.worker"
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class Worker:
    """One worker process, whose libraries and compilers put their temporary files into `scratch`.

    It runs worker.py, or `module`, whose `main` serves requests in the same way. `before` is a
    command that runs it, such as a simulator's; `variables` are set in its environment.
    It has its own session, so a Ctrl-C at the terminal reaches only the parent. Leaving the
    context kills the process and all that it started; it also ends by itself when the parent is
    gone, since its standard input then ends.
    """

    def __init__(
        self,
        name: str,
        threads: int,
        scratch: Path,
        module: str = "",
        *,
        before: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._before = before
        self._variables = variables or {}
        self._module = module or WORKER
        self.threads = threads
        self._log = scratch / f"{name.replace('/', '-')}.log"

    def __enter__(self) -> Self:
        """Raises UnavailableError where the system lacks what workers need."""
        if reason := why_no_studies():
            raise UnavailableError(reason)
        environment = dict(os.environ) | {name: str(self.threads) for name in _THREAD_VARIABLES}
        environment |= self._variables
        environment["TMPDIR"] = str(self._log.parent.absolute())
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *self._before, sys.executable, "-m", self._module,
                    *map(str, plugins.user_files()),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                start_new_session=True,
                bufsize=0,
            )  # fmt: skip
        return self

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def ask(
        self, request: Request, timeout: float, deadline: Deadline = NO_LIMIT
    ) -> dict[str, JsonValue]:
        """Send a request and return the worker's answer.

        Raises WorkerError where the worker refuses, WorkerLostError where it dies, or gives no
        sign of life for `timeout` seconds, and OutOfTimeError where it hasn't answered by
        `deadline`. A worker that is waited for no longer is killed.
        """
        if not deadline.left:
            raise OutOfTimeError(deadline.reason)
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(request.model_dump_json().encode() + b"\n")
        except BrokenPipeError as error:
            raise WorkerLostError(self._obituary()) from error
        while ALIVE in (answer := self._answer(timeout, deadline)):
            pass
        if "error" in answer:
            raise WorkerError(str(answer["error"]))
        return answer

    def _answer(self, timeout: float, deadline: Deadline) -> dict[str, JsonValue]:
        line = self._line(timeout, deadline)
        try:
            return cast(dict[str, JsonValue], json.loads(line))
        except ValueError as error:
            raise WorkerError(f"{self.name} gave no answer but {line[:80]!r}") from error

    def _line(self, timeout: float, deadline: Deadline) -> bytes:
        assert self._process.stdout is not None
        line, patience = b"", Deadline(timeout)
        while not line.endswith(b"\n"):
            left = min(patience.left, deadline.left)
            if left <= 0 or not select.select([self._process.stdout], [], [], left)[0]:
                self._kill()  # else it would go on, and disturb those that are timed
                if not deadline.left:
                    raise OutOfTimeError(deadline.reason)
                raise WorkerLostError(f"{self.name} did not answer within {timeout:.0f} s")
            chunk = os.read(self._process.stdout.fileno(), 1 << 16)
            if not chunk:
                raise WorkerLostError(self._obituary())
            line += chunk
        return line

    def _kill(self) -> None:
        """Kill the process and all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _obituary(self) -> str:
        code = self._process.wait()
        if code < 0:
            known = -code in set(signal.Signals)
            why = f"was killed by {signal.Signals(-code).name if known else f'signal {-code}'}"
            if code == -signal.SIGKILL:
                why += ", probably for memory"
        else:
            why = f"ended with exit code {code}"
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return f"{self.name} {why}" + (f": {lines[-1]}" if lines else "")
