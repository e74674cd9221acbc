"""The main job: data, training, methods, runtimes, measurements, comparison.

Each finished step is stored under the hash of all that it depends on, so a study that was
stopped goes on where it was, and one that ran before runs only what changed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from quantbench.errors import (
    UnavailableError,
    UsageError,
)
from quantbench.explain.judge import with_findings
from quantbench.harness.baseline import AS_GIVEN, GIVEN
from quantbench.harness.cluster import Cluster, connected
from quantbench.harness.count import source
from quantbench.harness.deadline import FIRST_ANSWER, Deadline
from quantbench.harness.evaluate import evaluate_all
from quantbench.harness.measure import Measured, measure
from quantbench.harness.pool import Candidate, Job, Workers
from quantbench.harness.records import Skipped
from quantbench.harness.schedule import FIRST, Schedule
from quantbench.harness.trial import Trials
from quantbench.results.assemble import results_of
from quantbench.results.contest import contest
from quantbench.results.metric import Metric
from quantbench.results.records import Results
from quantbench.results.seeds import Differences, differences
from quantbench.studies.candidates import SOON, SOON_RUNTIMES, candidates_of
from quantbench.studies.choose import (
    ChosenMethod,
    Runtimes,
    choose_methods,
    choose_runtimes,
    listed,
    recipe_settings,
    require_methods,
)
from quantbench.studies.earlier import Earlier, read_earlier, with_earlier
from quantbench.studies.options import Options, Overrides
from quantbench.studies.preflight import diagnose
from quantbench.studies.prepare import prepare
from quantbench.studies.workspace import Workspace, workspace
from quantbench.system.machine import Environment, cores, environment
from quantbench.system.progress import NO_PROGRESS, Progress
from quantbench.tasks.network_layers import network_layers
from quantbench.tasks.records import Diagnostic, Layer
from quantbench.tasks.task import Task

Load = Callable[[Workspace, Progress], Task]
"""Gives the task of a user's network; it may keep files in the workspace's scratch folder."""


REPORTED = ("float32 on torch", "dynamic on torch", "static on torch")
"""The rows of the source report: a study of a built-in task answers its claims about them."""


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
    metric: Metric | None = None,
    on_first: Callable[[Study], None] | None = None,
) -> Study:
    """Do all that isn't done yet, keeping each finished step in `options.out`.

    `overrides` gives settings by method, and the recipe's by "recipe". `load` gives the task of
    a user's network; without it, the options name one. `metric` is how rows are judged, where it
    is no plug-in. `on_first` is given a first answer, by the methods and runtimes that take least
    time; within a budget these come first in any case. What looks wrong with a user's network or
    samples is told. Raises UsageError before anything is started; a method or runtime that can't
    work here is listed under `skipped`.
    """
    overrides, deadline = overrides or {}, Deadline(options.budget_seconds)
    metric = metric and metric.within(options.margin)
    recipe_settings(options, overrides)
    require_methods(options.methods, overrides)
    if options.count:
        source()  # what is missing is said before the study takes its time
    others = _other_seeds(options, overrides, load, progress)
    earlier = None if options.pair is None else read_earlier(options.pair)
    machine = environment()  # now: later its load would be this study's own
    early = on_first is not None or deadline.seconds is not None
    chosen = None if early else _chosen(options, overrides, progress)
    with (
        workspace(options.out, fresh=options.fresh) as space,
        connected(options.cluster) as cluster,
    ):
        task = (
            prepare(options, overrides, space, progress) if load is None else load(space, progress)
        )
        task = replace(task, margin=options.margin)
        if task.training is None:
            _tell(diagnose(task, options.expect, metric), progress)
        steps = _Steps(
            space, machine, network_layers(task.network), deadline, progress, options.jobs, cluster,
            options.count,
        )  # fmt: skip
        if early and not task.network.quantized and task.network.tflite is None:
            first = _soon(task, options, overrides, metric, progress)
            if first is not None:
                answer = replace(steps, deadline=deadline.part(FIRST_ANSWER)).study(first)
                if on_first is not None:
                    on_first(answer)
        # Importing every quantizer and runtime takes long: a first answer comes before it.
        methods, runtimes = chosen or _chosen(options, overrides, progress)
        if task.network.quantized:
            methods = choose_methods((), {}, progress, AS_GIVEN)
            progress.log(
                f"{task.name} came quantized: it is measured as it is, on each runtime; to compare "
                "it with float32, name the float network and give this file by --quantized"
            )
        elif task.given is not None:
            methods |= choose_methods((GIVEN,), {}, progress, GIVEN)
        always = REPORTED if load is None else ()
        plan = _Plan(task, methods, runtimes, options.schedule, options.threads, metric, always)
        seeds = [steps.differences(plan, seed, other(space)) for seed, other in others.items()]
        return steps.study(replace(plan, earlier=earlier), seeds)


def _other_seeds(
    options: Options, overrides: Overrides, load: Load | None, progress: Progress
) -> dict[int, Callable[[Workspace], Task]]:
    """Seed -> what gives its task, for each seed after the study's own.

    Raises UsageError for a network in memory, which has no seed.
    """
    if options.seeds > 1 and load is not None:
        raise UsageError("a network that was handed in is trained: --seeds can't train it again")

    def other(seed: int) -> Callable[[Workspace], Task]:
        chosen = options.model_copy(update={"seed": seed})
        return lambda space: _shuffled(prepare(chosen, overrides, space, progress), seed)

    return {seed: other(seed) for seed in range(options.seed + 1, options.seed + options.seeds)}


def _shuffled(task: Task, seed: int) -> Task:
    """The task with its calibration samples in another order: methods take the first of them."""
    order = np.random.default_rng(seed).permutation(len(task.calibration))
    return replace(task, calibration=task.calibration.at(order))


def _chosen(
    options: Options, overrides: Overrides, progress: Progress
) -> tuple[dict[str, ChosenMethod | str], Runtimes]:
    """The methods and runtimes of a study. Raises UnavailableError where no runtime works."""
    methods = choose_methods(options.methods, overrides, progress)
    runtimes = choose_runtimes(options.runtimes, progress)
    if not runtimes.working:
        raise UnavailableError(f"no chosen runtime works here: {listed(runtimes.skipped)}")
    return methods, runtimes


def _soon(
    task: Task,
    options: Options,
    overrides: Overrides,
    metric: Metric | None,
    progress: Progress,
) -> _Plan | None:
    """The part of a study that gives a first answer soon, or None where it would be no answer."""
    names = tuple(name for name in SOON if name in options.methods)
    runtimes = choose_runtimes([n for n in SOON_RUNTIMES if n in options.runtimes], progress)
    if not names or not runtimes.working:
        return None
    settings = {name: values for name, values in overrides.items() if name in names}
    methods = choose_methods(names, settings, progress)
    return _Plan(task, methods, runtimes, FIRST, options.threads[:1], metric)


def _tell(diagnostics: Sequence[Diagnostic], progress: Progress) -> None:
    """Show what looks wrong. Raises UsageError for what stops a study."""
    for diagnostic in diagnostics:
        line = f"{diagnostic.sentence}; {diagnostic.remedy}"
        if diagnostic.stops:
            raise UsageError(line)
        progress.log(f"note: {line}")


@dataclass(frozen=True)
class _Plan:
    """A task, and what to measure of it."""

    task: Task
    methods: dict[str, ChosenMethod | str]
    runtimes: Runtimes
    schedule: Schedule
    threads: tuple[int, ...]
    metric: Metric | None = None
    always: tuple[str, ...] = ()
    """Rows that are started again whatever the first look says of them."""
    earlier: Earlier | None = None


@dataclass(frozen=True)
class _Steps:
    """The means that the steps of a study share beside its plan."""

    space: Workspace
    machine: Environment
    layers: tuple[Layer, ...]
    deadline: Deadline
    progress: Progress
    jobs: int | None
    cluster: Cluster | None
    count: bool = False

    def study(self, plan: _Plan, seeds: Sequence[Differences] = ()) -> Study:
        """Quantize, evaluate, time and compare, as far as it isn't done yet.

        `seeds` are the differences that other seeds gave.
        """
        task = plan.task
        with contextlib.closing(self._candidates(plan)) as candidates:
            measured = measure(
                self._job(plan, self.space.scratch),
                candidates,
                self.cluster,
                partial(contest, task, metric=plan.metric, always=plan.always),
            )
        skipped = (*plan.runtimes.skipped, *measured.skipped)
        results = results_of(
            task, self.layers, measured, skipped, self.space.out, plan.metric, seeds
        )
        return Study(task, measured, with_findings(results))

    def differences(self, plan: _Plan, seed: int, task: Task) -> Differences:
        """The rows' scores less float32's with the task of another seed; nothing is timed."""
        self.progress.log(f"seed {seed}: quantizing and evaluating, without times")
        other, scratch = replace(plan, task=task), self.space.scratch / f"seed-{seed}"
        scratch.mkdir()
        job = self._job(other, scratch)
        with (
            contextlib.closing(self._candidates(other)) as candidates,
            Workers(job, job.threads[0]) as workers,
        ):
            outcomes = evaluate_all(job, candidates, workers, self.cluster)
        done = [outcome for outcome in outcomes if not isinstance(outcome, Skipped)]
        rows, outputs = [row for row, _ in done], [arrays for _, arrays in done]
        return differences(task, rows, outputs, plan.metric)

    def _candidates(self, plan: _Plan) -> Generator[Candidate | Skipped]:
        space = self.space
        trials = Trials(plan.task, space.trials, space.scratch, self.machine, plan.schedule.timeout)
        candidates = candidates_of(
            plan.task, plan.methods, plan.runtimes, space.artifacts, trials, self.progress,
            self.deadline, plan.schedule.timeout,
        )  # fmt: skip
        if plan.earlier is None:
            return candidates
        return with_earlier(candidates, plan.earlier, self.progress)

    def _job(self, plan: _Plan, scratch: Path) -> Job:
        return Job(
            task=plan.task,
            threads=plan.threads,
            schedule=plan.schedule,
            machine=self.machine,
            evaluations=self.space.evaluations,
            timings=self.space.timings,
            scratch=scratch,
            progress=self.progress,
            deadline=self.deadline,
            macs=sum(layer.macs for layer in self.layers),
            count=self.count and plan.schedule is not FIRST,
            jobs=self.jobs or cores(),
        )
