"""The main job: data, training, methods, runtimes, measurements, comparison.

Each finished step is stored under the hash of all that it depends on, so a study that was
stopped goes on where it was, and one that ran before runs only what changed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.errors import (
    CalibrationError,
    QuantbenchError,
    UnavailableError,
    UsageError,
    cause,
)
from quantbench.harness.measure import BASELINE, Measured, measure
from quantbench.harness.pool import Candidate, Job
from quantbench.harness.records import Skipped
from quantbench.harness.trial import Trials
from quantbench.results.assemble import results_of
from quantbench.results.records import Results
from quantbench.settings import parse_settings, settings_for
from quantbench.study.load import load_task
from quantbench.study.options import Options, Overrides
from quantbench.study.quantize import quantize
from quantbench.study.workspace import Workspace, workspace
from quantbench.system.machine import environment
from quantbench.system.progress import NO_PROGRESS, Progress
from quantbench.system.record import Settings
from quantbench.tasks.layers import layers
from quantbench.tasks.task import Task
from quantbench.training.checkpoint import Checkpoint
from quantbench.training.recipes import Recipe, recipe
from quantbench.training.train import train


@dataclass(frozen=True)
class Study:
    """A finished study: what its results were made from."""

    task: Task
    checkpoint: Checkpoint
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
    settings = method_settings(options.methods, overrides, progress)
    machine = environment()  # now: later its load would be this study's own
    runtimes, skipped = _available(options.runtimes, progress)
    if not runtimes:
        raise UnavailableError(f"no chosen runtime works here: {_listed(skipped)}")
    with contextlib.ExitStack() as stack:
        space = stack.enter_context(workspace(options.out, fresh=options.fresh))
        task, checkpoint = prepare(options, overrides, space, progress)
        trials = Trials(
            task, checkpoint, space.trials, space.scratch, machine, options.schedule.timeout
        )
        candidates = stack.enter_context(
            contextlib.closing(
                _candidates(
                    task, checkpoint, settings, runtimes, space.artifacts, trials, progress, skipped
                )
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
        checkpoint,
        layers(task.build(), task.input_shape),
        measured,
        (*skipped, *measured.skipped),
        options.out,
    )
    return Study(task, checkpoint, measured, results)


def prepare(
    options: Options, overrides: Overrides, space: Workspace, progress: Progress
) -> tuple[Task, Checkpoint]:
    """The data and the trained network, each found or made."""
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


def recipe_settings(options: Options, overrides: Overrides) -> Recipe:
    """What to train with. Raises UsageError, also for a model or data set that isn't there."""
    plugins.source("models", options.model)
    plugins.source("data", options.data)
    base = {name: str(value) for name, value in recipe(options.recipe).model_dump().items()}
    return parse_settings(Recipe, "setting of the recipe", base | overrides.get("recipe", {}))


def method_settings(
    asked: tuple[str, ...], overrides: Overrides, progress: Progress = NO_PROGRESS
) -> dict[str, Settings | str]:
    """Method -> its settings, or why it isn't available; the baseline is always the first.

    Raises UsageError.
    """
    for name in (*asked, *(name for name in overrides if name != "recipe")):
        plugins.source("methods", name)
    if unused := sorted(overrides.keys() - {"recipe", *asked}):
        raise UsageError(f"settings for '{unused[0]}', which isn't among the methods to run")
    names = sorted({BASELINE, *asked}, key=lambda name: (name != BASELINE, name))
    with progress.waiting("the quantizers"):
        return {
            name: plugins.why_unavailable("methods", name)
            or settings_for(name, **overrides.get(name, {}))
            for name in names
        }


def _available(asked: tuple[str, ...], progress: Progress) -> tuple[list[str], list[Skipped]]:
    with progress.waiting("the runtimes"):
        reasons = {name: plugins.why_unavailable("runtimes", name) for name in asked}
    skipped = [
        Skipped(method="*", runtime=name, reason=why) for name, why in reasons.items() if why
    ]
    return [name for name, why in reasons.items() if not why], skipped


def _candidates(
    task: Task,
    checkpoint: Checkpoint,
    settings: dict[str, Settings | str],
    runtimes: list[str],
    parent: Path,
    trials: Trials,
    progress: Progress,
    unavailable: Sequence[Skipped],
) -> Generator[Candidate | Skipped]:
    """One by one, as their artifacts are made: answering begins while others are quantized. The
    processes that try them end before anything is timed.
    """
    with trials:
        for name, chosen in sorted(settings.items(), key=_compiled_first):
            if isinstance(chosen, str):
                yield Skipped(method=name, runtime="*", reason=chosen)
                continue
            accepting = {
                format: [r for r in runtimes if format in plugins.runtime(r).ACCEPTS]
                for format in plugins.method(name).FORMATS
            }
            if not any(accepting.values()):
                yield Skipped(method=name, runtime="*", reason=_why_none(accepting, unavailable))
            for format, able in accepting.items():
                if not able:
                    continue
                try:
                    artifact = quantize(task, checkpoint, name, chosen, format, parent, progress)
                except CalibrationError as error:  # as it would in the other formats
                    yield Skipped(method=name, runtime="*", reason=str(error))
                    break
                except UnavailableError as error:
                    yield from (Skipped(method=name, runtime=r, reason=str(error)) for r in able)
                    continue
                except QuantbenchError:
                    raise
                except Exception as error:  # noqa: BLE001  # a method may raise anything
                    why = f"raised {cause(error)}"
                    yield from (
                        Skipped(method=name, runtime=r, reason=why, failed=True) for r in able
                    )
                    continue
                yield from _tried(artifact, able, trials)


def _tried(
    artifact: Artifact, runtimes: Sequence[str], trials: Trials
) -> Iterator[Candidate | Skipped]:
    refusals = {name: plugins.why_refused(name, artifact) for name in runtimes}
    failures = trials.failures(artifact, [name for name, why in refusals.items() if not why])
    for name, why in refusals.items():
        candidate = Candidate(artifact, name)
        yield candidate.skipped(why) if why else failures.get(name, candidate)


def _why_none(formats: Collection[str], unavailable: Sequence[Skipped]) -> str:
    """Why no runtime takes any of `formats`: one that would may not work here."""
    named = ", ".join(formats)
    if able := [skipped for skipped in unavailable if _might_accept(skipped.runtime, formats)]:
        return f"what accepts its format ({named}) doesn't work here: {_listed(able)}"
    return f"no chosen runtime accepts its format ({named})"


def _might_accept(runtime: str, formats: Collection[str]) -> bool:
    try:
        return not plugins.runtime(runtime).ACCEPTS.isdisjoint(formats)
    except UnavailableError:  # it can't be asked
        return True


def _listed(unavailable: Sequence[Skipped]) -> str:
    return "; ".join(f"{skipped.runtime}: {skipped.reason}" for skipped in unavailable)


def _compiled_first(method: tuple[str, Settings | str]) -> tuple[bool, bool]:
    """The baseline, then what torch_compile takes longest to answer, so that others don't wait."""
    name, chosen = method
    compiled = not isinstance(chosen, str) and "pt2" in plugins.method(name).FORMATS
    return name != BASELINE, not compiled
