"""The main job: data, training, methods, runtimes, measurements, comparison.

Each finished step is stored under the hash of all that it depends on, so a study that was
stopped goes on where it was, and one that ran before runs only what changed.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from quantbench import plugins
from quantbench.artifact import Artifact
from quantbench.checkpoint import Checkpoint
from quantbench.contracts import Say, Track, quiet, silent
from quantbench.environment import environment
from quantbench.errors import QuantbenchError, UsageError
from quantbench.harness.rounds import Plan
from quantbench.measuring import Candidate, Measured, measure
from quantbench.quantizing import quantize
from quantbench.recipes import Recipe, recipe
from quantbench.records import Results, Settings, Skipped
from quantbench.rows import BASELINE, results_of
from quantbench.settings import parse_settings
from quantbench.storage import clean, locked, write_atomic
from quantbench.structure import layers
from quantbench.task import Task, load_task
from quantbench.training import train

_STEPS = ("checkpoints", "artifacts", "evaluations", "timings")


class Options(Settings):
    """Everything that a study depends on."""

    model: str = "lenet"
    data: str = "mnist"
    recipe: str = "default"
    seed: int = Field(1, ge=0)
    methods: tuple[str, ...] = ()
    runtimes: tuple[str, ...] = ()
    threads: int = Field(1, gt=0)
    data_dir: Path | None = None
    offline: bool = False
    out: Path = Path("results")
    fresh: bool = False
    plan: Plan = Plan()


@dataclass(frozen=True)
class Study:
    """A finished study: what was written, and what it was written from."""

    task: Task
    checkpoint: Checkpoint
    measured: Measured
    results: Results


def run(
    options: Options,
    overrides: dict[str, dict[str, str]] | None = None,
    track: Track = quiet,
    say: Say = silent,
) -> Study:
    """Do all that isn't done yet and write `results.json` into `options.out`.

    `overrides` gives settings by method name, and the recipe's by "recipe". Raises
    UsageError before anything is started; a method or runtime that can't work here is
    listed under `skipped`.
    """
    overrides = overrides or {}
    chosen = _recipe(options, overrides)
    settings = _settings(options, overrides)
    with locked(options.out):
        steps = {name: options.out / name for name in _STEPS}
        for folder in steps.values():
            if options.fresh:
                shutil.rmtree(folder, ignore_errors=True)
            clean(folder)
        task = load_task(
            options.model, options.data, data_dir=options.data_dir, offline=options.offline, say=say
        )
        checkpoint = train(
            task, options.recipe, chosen, options.seed, steps["checkpoints"], track, say
        )
        runtimes, skipped = _available("runtimes", options.runtimes)
        artifacts, missed = _artifacts(
            task, checkpoint, settings, runtimes, steps["artifacts"], track
        )
        candidates = [
            Candidate(artifact, runtime)
            for artifact in artifacts
            for runtime in runtimes
            if artifact.body.format in plugins.runtime(runtime).ACCEPTS
        ]
        measured = measure(
            task,
            candidates,
            options.threads,
            options.plan,
            environment(),
            (steps["evaluations"], steps["timings"]),
            track,
            say,
        )
        results = results_of(
            task,
            checkpoint,
            layers(task.build(), task.input_shape),
            measured,
            (*skipped, *missed, *measured.skipped),
            options.out,
        )
        content = json.dumps(results.model_dump(mode="json"), indent=1, allow_nan=False)
        write_atomic(options.out / "results.json", content.encode() + b"\n")
    return Study(task, checkpoint, measured, results)


def _recipe(options: Options, overrides: dict[str, dict[str, str]]) -> Recipe:
    base = {k: str(v) for k, v in recipe(options.recipe).model_dump().items()}
    return parse_settings(Recipe, "setting of the recipe", base | overrides.get("recipe", {}))


def _settings(options: Options, overrides: dict[str, dict[str, str]]) -> dict[str, Settings | str]:
    """Method -> its settings, or why it isn't available here; the baseline always comes first."""
    asked = options.methods or tuple(plugins.names("methods"))
    for name in (*asked, *(name for name in overrides if name != "recipe")):
        plugins.source("methods", name)
    for name in options.runtimes:
        plugins.source("runtimes", name)
    if unused := sorted(overrides.keys() - {"recipe", *asked}):
        raise UsageError(f"settings for '{unused[0]}', which this study doesn't run")
    names = sorted({BASELINE, *asked}, key=lambda name: (name != BASELINE, name))
    return {
        name: plugins.why_unavailable("methods", name)
        or parse_settings(
            plugins.method(name).SETTINGS, f"setting of method '{name}'", overrides.get(name, {})
        )
        for name in names
    }


def _available(folder: str, asked: tuple[str, ...]) -> tuple[list[str], list[Skipped]]:
    names = list(asked) or plugins.names(folder)
    reasons = {name: plugins.why_unavailable(folder, name) for name in names}
    skipped = [
        Skipped(method="*", runtime=name, reason=why) for name, why in reasons.items() if why
    ]
    return [name for name, why in reasons.items() if not why], skipped


def _artifacts(
    task: Task,
    checkpoint: Checkpoint,
    settings: dict[str, Settings | str],
    runtimes: list[str],
    parent: Path,
    track: Track,
) -> tuple[list[Artifact], list[Skipped]]:
    runnable = frozenset[str]().union(*(plugins.runtime(name).ACCEPTS for name in runtimes))
    artifacts, skipped = [], []
    for name, chosen in settings.items():
        if isinstance(chosen, str):
            skipped.append(Skipped(method=name, runtime="*", reason=chosen))
            continue
        for format in plugins.method(name).FORMATS:
            if format not in runnable:
                continue
            try:
                artifacts.append(quantize(task, checkpoint, name, chosen, format, parent, track))
            except QuantbenchError as error:
                if name == BASELINE:
                    raise
                skipped.append(Skipped(method=name, runtime="*", reason=str(error)))
    return artifacts, skipped
