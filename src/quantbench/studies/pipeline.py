"""The main job: data, training, methods, runtimes, measurements, comparison.

Each finished step is stored under the hash of all that it depends on, so a study that was
stopped goes on where it was, and one that ran before runs only what changed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.contracts import Plugin, RuntimeModule
from quantbench.errors import (
    CalibrationError,
    QuantbenchError,
    UnavailableError,
    cause,
)
from quantbench.harness.measure import BASELINE, Measured, measure
from quantbench.harness.pool import Candidate, Job
from quantbench.harness.records import Skipped
from quantbench.harness.trial import Trials
from quantbench.results.assemble import results_of
from quantbench.results.records import Results
from quantbench.studies.choose import (
    ChosenMethod,
    Runtimes,
    choose_methods,
    choose_runtimes,
    listed,
    recipe_settings,
)
from quantbench.studies.load import load_task
from quantbench.studies.options import Options, Overrides
from quantbench.studies.quantize import artifact_of
from quantbench.studies.workspace import Workspace, workspace
from quantbench.system.machine import environment
from quantbench.system.progress import NO_PROGRESS, Progress
from quantbench.tasks.layers import layers
from quantbench.tasks.task import Task
from quantbench.training.checkpoint import Checkpoint, with_weights
from quantbench.training.train import train


@dataclass(frozen=True)
class Study:
    """A finished study: its results, and the task and measurements behind them."""

    task: Task
    measured: Measured
    results: Results


def run(
    options: Options,
    overrides: Overrides | None = None,
    progress: Progress = NO_PROGRESS,
) -> Study:
    """Do all that isn't done yet, keeping each finished step in `options.out`.

    `overrides` gives settings by method, and the recipe's by "recipe". Raises UsageError
    before anything is started; a method or runtime that can't work here is listed under
    `skipped`.
    """
    overrides = overrides or {}
    recipe_settings(options, overrides)
    methods = choose_methods(options.methods, overrides, progress)
    machine = environment()  # now: later its load would be this study's own
    runtimes = choose_runtimes(options.runtimes, progress)
    if not runtimes.working:
        raise UnavailableError(f"no chosen runtime works here: {listed(runtimes.skipped)}")
    with contextlib.ExitStack() as stack:
        space = stack.enter_context(workspace(options.out, fresh=options.fresh))
        task = prepare(options, overrides, space, progress)
        trials = Trials(task, space.trials, space.scratch, machine, options.schedule.timeout)
        candidates = stack.enter_context(
            contextlib.closing(
                _candidates(task, methods, runtimes, space.artifacts, trials, progress)
            )
        )
        job = Job(
            task=task,
            threads=options.threads,
            schedule=options.schedule,
            machine=machine,
            evaluations=space.evaluations,
            timings=space.timings,
            scratch=space.scratch,
            progress=progress,
        )
        measured = measure(job, candidates)
    results = results_of(
        task,
        layers(task.network.module(), task.network.inputs[0].shape),
        measured,
        (*runtimes.skipped, *measured.skipped),
        options.out,
    )
    return Study(task, measured, results)


def prepare(options: Options, overrides: Overrides, space: Workspace, progress: Progress) -> Task:
    """The task with its network trained; the training is taken from where it is stored.

    Raises UsageError, DataFileError, DataUnavailableError, TrainingDivergedError.
    """
    return with_weights(*trained(options, overrides, space, progress))


def trained(
    options: Options, overrides: Overrides, space: Workspace, progress: Progress
) -> tuple[Task, Checkpoint]:
    """The untrained task, and the checkpoint of its training: the stored one, or a new one."""
    chosen = recipe_settings(options, overrides)
    task = load_task(
        options.model,
        options.data,
        data_dir=options.data_dir,
        offline=options.offline,
        progress=progress,
    )
    checkpoint = train(task, options.recipe, chosen, options.seed, space.checkpoints, progress)
    return task, checkpoint


def _candidates(
    task: Task,
    methods: dict[str, ChosenMethod | str],
    runtimes: Runtimes,
    parent: Path,
    trials: Trials,
    progress: Progress,
) -> Generator[Candidate | Skipped]:
    """Yield candidates as their artifacts are made: evaluation begins while others are quantized.

    The processes that try artifacts end before anything is timed.
    """
    with trials:
        for name, chosen in sorted(methods.items(), key=_compiled_first):
            if isinstance(chosen, str):
                yield Skipped(method=name, runtime="*", reason=chosen)
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


def _compiled_first(method: tuple[str, ChosenMethod | str]) -> tuple[bool, bool]:
    """Sort the baseline first, then what torch_compile takes longest to answer, so that others
    don't wait.
    """
    name, chosen = method
    compiled = isinstance(chosen, ChosenMethod) and "pt2" in chosen.plugin.module.FORMATS
    return name != BASELINE, not compiled
