"""The main job: data, training, methods, runtimes, measurements, comparison.

Each finished step is stored under the hash of all that it depends on, so a study that was
stopped goes on where it was, and one that ran before runs only what changed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
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
from quantbench.harness.deadline import Deadline
from quantbench.harness.measure import BASELINE, Measured, measure
from quantbench.harness.pool import Candidate, Job
from quantbench.harness.records import Skipped
from quantbench.harness.schedule import FIRST, Schedule
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
from quantbench.system.machine import Environment, environment
from quantbench.system.progress import NO_PROGRESS, Progress
from quantbench.tasks.layers import layers
from quantbench.tasks.network import Network
from quantbench.tasks.records import Layer
from quantbench.tasks.task import Task
from quantbench.training.checkpoint import Checkpoint, with_weights
from quantbench.training.train import train

SOON = ("ort_static", "dynamic", "ort_dynamic", "static")
"""The methods of a first answer, in the order of the time that they take."""
SOON_RUNTIMES = ("onnxruntime", "torch", "c99")
LATE = ("qat",)
QUANTIZING = 0.5
"""The share of a budget within which a method may begin."""

Load = Callable[[Workspace, Progress], Task]
"""Gives the task of a user's network; it may keep files in the workspace's scratch folder."""


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
    *,
    load: Load | None = None,
    on_first: Callable[[Study], None] | None = None,
) -> Study:
    """Do all that isn't done yet, keeping each finished step in `options.out`.

    `overrides` gives settings by method, and the recipe's by "recipe". `load` gives the task of
    a user's network; without it, the options name one. `on_first` is given a first answer, by the
    methods and runtimes that take least time, before the rest is measured. Raises UsageError
    before anything is started; a method or runtime that can't work here is listed under `skipped`.
    """
    overrides, deadline = overrides or {}, Deadline(options.budget_seconds)
    recipe_settings(options, overrides)
    methods = choose_methods(options.methods, overrides, progress)
    machine = environment()  # now: later its load would be this study's own
    runtimes = choose_runtimes(options.runtimes, progress)
    if not runtimes.working:
        raise UnavailableError(f"no chosen runtime works here: {listed(runtimes.skipped)}")
    with workspace(options.out, fresh=options.fresh) as space:
        task = (
            prepare(options, overrides, space, progress) if load is None else load(space, progress)
        )
        plan = _Plan(task, methods, runtimes, options.schedule, options.threads)
        steps = _Steps(space, machine, layers_of(task.network), deadline, progress)
        if on_first is not None and (first := plan.first()) is not None:
            on_first(steps.study(first))
        return steps.study(plan)


@dataclass(frozen=True)
class _Plan:
    """A task, and what to measure of it."""

    task: Task
    methods: dict[str, ChosenMethod | str]
    runtimes: Runtimes
    schedule: Schedule
    threads: tuple[int, ...]

    def first(self) -> _Plan | None:
        """The part that gives a first answer soon, or None where it would be no answer."""
        methods = {
            name: chosen for name, chosen in self.methods.items() if name in (BASELINE, *SOON)
        }
        runtimes = self.runtimes.named(SOON_RUNTIMES)
        if len(methods) < 2 or not runtimes.working:
            return None
        return replace(
            self, methods=methods, runtimes=runtimes, schedule=FIRST, threads=self.threads[:1]
        )


@dataclass(frozen=True)
class _Steps:
    """What the steps of a study need beside its plan."""

    space: Workspace
    machine: Environment
    layers: tuple[Layer, ...]
    deadline: Deadline
    progress: Progress

    def study(self, plan: _Plan) -> Study:
        """Quantize, evaluate, time and compare, as far as it isn't done yet."""
        task, space, progress = plan.task, self.space, self.progress
        trials = Trials(task, space.trials, space.scratch, self.machine, plan.schedule.timeout)
        job = Job(
            task=task,
            threads=plan.threads,
            schedule=plan.schedule,
            machine=self.machine,
            evaluations=space.evaluations,
            timings=space.timings,
            scratch=space.scratch,
            progress=progress,
            deadline=self.deadline,
            macs=sum(layer.macs for layer in self.layers),
        )
        candidates = _candidates(
            task, plan.methods, plan.runtimes, space.artifacts, trials, progress, self.deadline
        )
        with contextlib.closing(candidates):
            measured = measure(job, candidates)
        skipped = (*plan.runtimes.skipped, *measured.skipped)
        results = results_of(task, self.layers, measured, skipped, space.out)
        return Study(task, measured, results)


def layers_of(network: Network) -> tuple[Layer, ...]:
    """The layers of a network, with the multiply-adds of each."""
    return layers(network.module(), network.inputs[0].shape)


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
            if name != BASELINE and deadline.spent(QUANTIZING):
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
    return name != BASELINE, rank, name


def _compiled_first(method: tuple[str, ChosenMethod | str]) -> tuple[bool, bool]:
    """Sort the baseline first, then what torch_compile takes longest to answer, so that others
    don't wait.
    """
    name, chosen = method
    compiled = isinstance(chosen, ChosenMethod) and "pt2" in chosen.plugin.module.FORMATS
    return name != BASELINE, not compiled
