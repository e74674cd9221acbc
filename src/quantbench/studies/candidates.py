"""The candidates of a study: what each method writes, on each runtime that takes it."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.contracts import Plugin, RuntimeModule
from quantbench.errors import CalibrationError, QuantbenchError, UnavailableError, cause
from quantbench.harness.deadline import Deadline
from quantbench.harness.measure import is_baseline
from quantbench.harness.pool import Candidate
from quantbench.harness.records import Skipped
from quantbench.harness.trial import Trials
from quantbench.studies.choose import ChosenMethod, Runtimes
from quantbench.studies.quantize import artifact_of
from quantbench.system.progress import Progress
from quantbench.tasks.task import Task

SOON = ("ort_static", "dynamic", "ort_dynamic", "static")
"""The methods of a first answer, in the order of the time that they take."""
SOON_RUNTIMES = ("onnxruntime", "torch", "c99")
LATE = ("qat",)
QUANTIZING = 0.5
"""The share of a budget within which a method may begin."""


def candidates_of(
    task: Task,
    methods: dict[str, ChosenMethod | str],
    runtimes: Runtimes,
    parent: Path,
    trials: Trials,
    progress: Progress,
    deadline: Deadline,
) -> Generator[Candidate | Skipped]:
    """Yield candidates as their artifacts are made: evaluation begins while others are quantized.

    The processes that try artifacts end before anything is timed. Within a budget what takes
    least comes first, and no method begins once half of it is spent.
    """
    order = _compiled_first if deadline.seconds is None else _soonest_first
    with trials:
        for name, chosen in sorted(methods.items(), key=order):
            if isinstance(chosen, str):
                yield Skipped(method=name, runtime="*", reason=chosen)
                continue
            if not is_baseline(name) and name not in SOON and deadline.spent(QUANTIZING):
                reason = f"no time is left for it in a budget of {deadline.seconds:.0f} s"
                yield Skipped(method=name, runtime="*", reason=reason)
                continue
            accepting = {
                format: runtimes.accepting(format) for format in chosen.plugin.module.FORMATS
            }
            if not any(accepting.values()):
                yield Skipped(method=name, runtime="*", reason=runtimes.why_none(accepting))
            for format, able in accepting.items():
                if not able:
                    continue
                try:
                    artifact = artifact_of(
                        task, chosen.plugin, chosen.settings, format, parent, progress
                    )
                except CalibrationError as error:  # as it would in the other formats
                    yield Skipped(method=name, runtime="*", reason=str(error))
                    break
                except UnavailableError as error:
                    yield from _each_skipped(name, able, str(error))
                    continue
                except QuantbenchError:
                    raise
                except Exception as error:  # noqa: BLE001  # a method may raise anything
                    yield from _each_skipped(name, able, f"raised {cause(error)}", failed=True)
                    continue
                yield from _tried(artifact, able, trials)


def _each_skipped(
    method: str, runtimes: Sequence[Plugin[RuntimeModule]], reason: str, *, failed: bool = False
) -> Iterator[Skipped]:
    for runtime in runtimes:
        yield Skipped(method=method, runtime=runtime.name, reason=reason, failed=failed)


def _tried(
    artifact: Artifact, runtimes: Sequence[Plugin[RuntimeModule]], trials: Trials
) -> Iterator[Candidate | Skipped]:
    refusals = [plugins.why_refused(runtime.module, artifact) for runtime in runtimes]
    able = [runtime for runtime, why in zip(runtimes, refusals, strict=True) if not why]
    failures = trials.failures(artifact, able)
    for runtime, why in zip(runtimes, refusals, strict=True):
        candidate = Candidate(artifact, runtime)
        yield candidate.skipped(why) if why else failures.get(runtime.name, candidate)


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
