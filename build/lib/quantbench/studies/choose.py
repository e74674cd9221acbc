"""Names become plug-ins here, once a study: methods with their settings, runtimes that work."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.contracts import MethodModule, Plugin, RuntimeModule
from quantbench.errors import UnavailableError, UsageError
from quantbench.harness.baseline import BASELINE
from quantbench.harness.records import Skipped
from quantbench.settings import parse_settings, settings_for
from quantbench.studies.named import method_named, runtime_named
from quantbench.studies.options import Options, Overrides
from quantbench.system.progress import NO_PROGRESS, Progress
from quantbench.system.record import Settings
from quantbench.training.recipes import Recipe, recipe


@dataclass(frozen=True)
class ChosenMethod:
    """A method to run, and how."""

    plugin: Plugin[MethodModule]
    settings: Settings


@dataclass(frozen=True)
class Runtimes:
    """The runtimes of a study: those that work here, and why the others don't."""

    working: tuple[Plugin[RuntimeModule], ...]
    skipped: tuple[Skipped, ...]
    accepted: dict[str, frozenset[str]]
    """Skipped runtime -> the formats that it would run; absent where it doesn't import."""

    def accepting(self, format: str) -> list[Plugin[RuntimeModule]]:
        """Return those of the working runtimes that run artifacts of a format."""
        return [runtime for runtime in self.working if format in runtime.module.ACCEPTS]

    def why_none(self, formats: Collection[str]) -> str:
        """Say why no runtime takes any of `formats`: one that would may not work here."""
        named = ", ".join(formats)
        able = [
            skipped
            for skipped in self.skipped
            if not self.accepted.get(skipped.runtime, frozenset(formats)).isdisjoint(formats)
        ]
        if able:
            return f"what accepts its format ({named}) doesn't work here: {listed(able)}"
        return f"no chosen runtime accepts its format ({named})"


def recipe_settings(options: Options, overrides: Overrides) -> Recipe:
    """Return what to train with.

    Raises UsageError for a bad setting, and for a model or data set that isn't there.
    """
    plugins.source("models", options.model)
    plugins.source("data", options.data)
    base = {name: str(value) for name, value in recipe(options.recipe).model_dump().items()}
    return parse_settings(Recipe, "setting of the recipe", base | overrides.get("recipe", {}))


def require_methods(asked: tuple[str, ...], overrides: Overrides) -> None:
    """Raise UsageError for a method that isn't there, and for settings of one that isn't asked."""
    for name in (*asked, *(name for name in overrides if name != "recipe")):
        plugins.source("methods", name)
    if unused := sorted(overrides.keys() - {"recipe", *asked}):
        raise UsageError(f"settings for '{unused[0]}', which isn't among the methods to run")


def choose_methods(
    asked: tuple[str, ...],
    overrides: Overrides,
    progress: Progress = NO_PROGRESS,
    baseline: str = BASELINE,
) -> dict[str, ChosenMethod | str]:
    """Return each method by its name, or why it isn't available; `baseline` is the first.

    Raises UsageError.
    """
    require_methods(asked, overrides)
    names = sorted({baseline, *asked}, key=lambda name: (name != baseline, name))
    with progress.waiting("the quantizers"):
        return {
            name: plugins.why_unavailable("methods", name)
            or ChosenMethod(
                method_named(name),
                settings_for(name, **overrides.get(name, {})),
            )
            for name in names
        }


def choose_runtimes(asked: Sequence[str], progress: Progress = NO_PROGRESS) -> Runtimes:
    """Find the runtimes of these names, and which of them work here. Raises UnknownNameError."""
    with progress.waiting("the runtimes"):
        reasons = {name: plugins.why_unavailable("runtimes", name) for name in asked}
        missing = {name: why for name, why in reasons.items() if why}
        return Runtimes(
            working=tuple(runtime_named(name) for name, why in reasons.items() if not why),
            skipped=tuple(
                Skipped(method="*", runtime=name, reason=why) for name, why in missing.items()
            ),
            accepted={
                name: module.ACCEPTS for name in missing if (module := _imported(name)) is not None
            },
        )


def runtimes_for(artifact: Artifact) -> list[Plugin[RuntimeModule]]:
    """Return the runtimes of a study by default that work here and run an artifact."""
    working = choose_runtimes(plugins.default_runtimes()).accepting(artifact.body.format)
    return [runtime for runtime in working if not plugins.why_refused(runtime.module, artifact)]


def listed(skipped: Sequence[Skipped]) -> str:
    """Join runtimes and their reasons: "a: reason; b: reason"."""
    return "; ".join(f"{each.runtime}: {each.reason}" for each in skipped)


def _imported(runtime: str) -> RuntimeModule | None:
    try:
        return plugins.runtime(runtime)
    except UnavailableError:
        return None
