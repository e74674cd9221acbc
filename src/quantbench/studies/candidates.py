"""The candidates of a study: what each method writes, on each runtime that takes it."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.contracts import Plugin, RuntimeModule
from quantbench.errors import (
    CalibrationError,
    OverdueError,
    QuantbenchError,
    UnavailableError,
    cause,
)
from quantbench.harness.baseline import is_baseline
from quantbench.harness.deadline import NO_LIMIT, QUANTIZING, TRYING, Deadline
from quantbench.harness.pool import Candidate, at_once
from quantbench.harness.records import Skipped
from quantbench.harness.schedule import Schedule
from quantbench.harness.trial import Trials
from quantbench.studies.choose import ChosenMethod, Runtimes
from quantbench.studies.quantize import artifact_of, stored_artifact
from quantbench.system.patience import patience
from quantbench.system.progress import Progress
from quantbench.tasks.task import Task

SOON = ("ort_static", "dynamic", "ort_dynamic", "static")
"""The methods of a first answer, in the order of the time that they take."""
SOON_RUNTIMES = ("onnxruntime", "torch", "c99")
LATE = ("qat",)
COMPILED = ("pt2",)
"""Formats that a runtime compiles for a minute when it first loads them."""
_ASIDE = 2
"""Artifacts of such a format that are tried at a time: else one processor would idle at the end."""


def candidates_of(
    task: Task,
    methods: dict[str, ChosenMethod | str],
    runtimes: Runtimes,
    parent: Path,
    trials: Trials,
    progress: Progress,
    deadline: Deadline,
    timeout: float = Schedule().timeout,
) -> Generator[Candidate | Skipped]:
    """Yield candidates as their artifacts are made: evaluation begins while others are quantized.

    The processes that try artifacts end before anything is timed. Within a budget what takes
    least comes first, and no method begins a format once half of it is spent, unless it was
    written before; the baseline and the method that takes least have one on their fastest runtime
    in any case: less would be no answer. Without a budget, what a runtime compiles is tried while
    other methods quantize, and comes last. A method that shows no progress for `timeout` seconds
    is stopped, and within a budget once what it writes couldn't be tried any more.
    """
    order = _compiled_first if deadline.seconds is None else _soonest_first
    ordered = sorted(methods.items(), key=order)
    quantizing = (name for name, chosen in ordered if isinstance(chosen, ChosenMethod))
    soonest = next((name for name in quantizing if not is_baseline(name)), None)
    waiting = list[Future[list[Candidate | Skipped]]]()

    def tried(
        artifact: Artifact, runtimes: Sequence[Plugin[RuntimeModule]], limit: Deadline
    ) -> Iterable[Candidate | Skipped]:
        refusals = [plugins.why_refused(runtime.module, artifact) for runtime in runtimes]
        trial = partial(_tried, artifact, runtimes, refusals, trials, limit)
        if deadline.seconds is not None or artifact.body.format not in COMPILED:
            return trial()
        trials.ready(artifact, runtimes)
        waiting.append(aside.submit(trial))
        return ()

    with trials, at_once(_ASIDE) as aside:
        for name, chosen in ordered:
            if isinstance(chosen, str):
                yield Skipped(method=name, runtime="*", reason=chosen)
                continue
            yield from _of_method(
                task, chosen, _accepting(chosen, runtimes, deadline), runtimes, parent, tried,
                progress, deadline, timeout, required=is_baseline(name) or name == soonest,
            )  # fmt: skip
        for outcomes in waiting:
            yield from outcomes.result()


Tried = Callable[
    [Artifact, Sequence[Plugin[RuntimeModule]], Deadline], Iterable[Candidate | Skipped]
]
"""Tries an artifact on runtimes within a limit; what it gives may come later."""


Accepting = dict[str, list[Plugin[RuntimeModule]]]
"""A method's format -> the runtimes that take it."""


def _accepting(chosen: ChosenMethod, runtimes: Runtimes, deadline: Deadline) -> Accepting:
    """The formats of a method; within a budget those of the fastest runtimes come first."""
    accepting = {format: runtimes.accepting(format) for format in chosen.plugin.module.FORMATS}
    if deadline.seconds is None:
        return accepting
    ordered = {format: sorted(able, key=_fastest_first) for format, able in accepting.items()}
    return dict(
        sorted(ordered.items(), key=lambda item: min(map(_fastest_first, item[1]), default=0))
    )


def _fastest_first(runtime: Plugin[RuntimeModule]) -> int:
    known = runtime.name in SOON_RUNTIMES
    return SOON_RUNTIMES.index(runtime.name) if known else len(SOON_RUNTIMES)


def _of_method(
    task: Task,
    chosen: ChosenMethod,
    accepting: Accepting,
    runtimes: Runtimes,
    parent: Path,
    tried: Tried,
    progress: Progress,
    deadline: Deadline,
    timeout: float,
    *,
    required: bool,
) -> Iterator[Candidate | Skipped]:
    """Yield the candidates of one method, or why it has none.

    `required`: it gets one on a runtime, however late it is.
    """

    def left_out(format: str) -> bool:
        return (
            deadline.spent(QUANTIZING)
            and stored_artifact(task, chosen.plugin, chosen.settings, format, parent) is None
        )

    name = chosen.plugin.name
    if not any(accepting.values()):
        yield Skipped(method=name, runtime="*", reason=runtimes.why_none(accepting))
    elif not required and all(left_out(format) for format, able in accepting.items() if able):
        yield Skipped(method=name, runtime="*", reason=deadline.reason)
        return
    for format, able in accepting.items():
        if not able:
            continue
        if not required and left_out(format):
            yield from _each_skipped(name, able, deadline.reason)
            continue
        limit = NO_LIMIT if required else deadline.part(TRYING)
        written = deadline.spent(QUANTIZING)  # else it would have been left out
        writing = NO_LIMIT if written else limit
        try:
            with patience(timeout, progress, time.monotonic() + writing.left) as watched:
                artifact = artifact_of(
                    task, chosen.plugin, chosen.settings, format, parent, watched
                )
        except OverdueError as error:
            reason = f"{error} while it quantized; a larger 'timeout' in [schedule] waits longer"
            late = not writing.left
            yield from _each_skipped(
                name, able, deadline.reason if late else reason, failed=not late
            )
            continue
        except CalibrationError as error:  # as it would in the other formats
            yield Skipped(method=name, runtime="*", reason=str(error))
            break
        except UnavailableError as error:
            yield from _each_skipped(name, able, str(error))
            continue
        except QuantbenchError:
            raise
        except MemoryError:
            reason = "ran out of memory while it quantized; it needs a machine with more"
            yield from _each_skipped(name, able, reason, failed=True)
            continue
        except Exception as error:  # noqa: BLE001  # a method may raise anything
            yield from _each_skipped(name, able, f"raised {cause(error)}", failed=True)
            continue
        for outcome in tried(artifact, able, limit):
            required = required and isinstance(outcome, Skipped)
            yield outcome


def _each_skipped(
    method: str, runtimes: Sequence[Plugin[RuntimeModule]], reason: str, *, failed: bool = False
) -> Iterator[Skipped]:
    for runtime in runtimes:
        yield Skipped(method=method, runtime=runtime.name, reason=reason, failed=failed)


def _tried(
    artifact: Artifact,
    runtimes: Sequence[Plugin[RuntimeModule]],
    refusals: Sequence[str | None],
    trials: Trials,
    deadline: Deadline,
) -> list[Candidate | Skipped]:
    able = [runtime for runtime, why in zip(runtimes, refusals, strict=True) if not why]
    failures = trials.failures(artifact, able, deadline)
    return [
        Candidate(artifact, runtime).skipped(why)
        if why
        else failures.get(runtime.name, Candidate(artifact, runtime))
        for runtime, why in zip(runtimes, refusals, strict=True)
    ]


def _soonest_first(method: tuple[str, ChosenMethod | str]) -> tuple[bool, int, str]:
    """Sort the baseline first, then what takes least time, what trains last."""
    name = method[0]
    rank = SOON.index(name) if name in SOON else len(SOON) + (name in LATE)
    return not is_baseline(name), rank, name


def _compiled_first(method: tuple[str, ChosenMethod | str]) -> tuple[bool, bool]:
    """Sort the baseline first, then what torch_compile takes longest to answer, so that others
    don't wait.
    """
    name, chosen = method
    compiled = isinstance(chosen, ChosenMethod) and "pt2" in chosen.plugin.module.FORMATS
    return not is_baseline(name), not compiled
