"""Mixed precision by evidence: the cheapest layers to leave float for a given loss of score."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from quantbench import plugins
from quantbench.errors import UnavailableError
from quantbench.explain.bench import Bench, model_in, quantized
from quantbench.explain.mixtures import Mixtures
from quantbench.explain.predictions import Predictions
from quantbench.explain.records import LayerSensitivity, Mixed
from quantbench.explain.subject import Subject
from quantbench.explain.units import Unit
from quantbench.export.leave_float import LeaveFloatSettings
from quantbench.export.reading import describe
from quantbench.harness.deadline import Deadline
from quantbench.numerics.coverage import Coverage
from quantbench.results.records import Interval
from quantbench.samples.records import Samples
from quantbench.settings.toml_text import toml, toml_key
from quantbench.system.files import writing
from quantbench.system.record import Settings

FRACTION, POINTS = "fraction", "points"


@dataclass(frozen=True)
class Search:
    """The means of a search: what judges, what makes variants and runs them, and until when."""

    bench: Bench
    mixtures: Mixtures
    predictions: Predictions
    units: Sequence[Unit]
    layers: Sequence[LayerSensitivity]
    deadline: Deadline


@dataclass(frozen=True)
class _Limit:
    """The most that a score may fall, in the metric's own unit."""

    drop: float
    higher_is_better: bool
    shown: bool
    """Whether the whole interval has to lie within; else the value itself."""

    def holds(self, difference: Interval) -> bool:
        return self._fall(difference, shown=self.shown) <= self.drop

    def is_shown(self, difference: Interval) -> bool:
        return self._fall(difference, shown=True) <= self.drop

    def _fall(self, difference: Interval, *, shown: bool) -> float:
        """The fall of the score, at worst where it is to be shown; infinite where unknown."""
        worst = difference.low if self.higher_is_better else difference.high
        value = worst if shown else difference.value
        if value is None:
            return float("inf")
        return -value if self.higher_is_better else value


def mixed(
    subject: Subject,
    search: Search,
    method: str,
    settings: Settings,
    max_drop: float,
    test: Samples,
) -> tuple[Mixed, tuple[str, ...]]:
    """Find the layers, write them as a recipe into the study's folder, and measure what it gives.

    Layers are left float in the order of their loss for each multiply-add until the score falls by
    no more than `max_drop` (points, where the metric is a fraction), which is measured each time;
    then each that isn't needed, the costliest first, goes back to integers. The artifact of the
    recipe is made by the method itself and measured on all `test` samples. Returns notes as well.
    Raises UnavailableError where the method can't leave layers float.
    """
    if not isinstance(settings, LeaveFloatSettings):
        raise UnavailableError(f"method '{method}' has no setting leave_float")
    bench = search.bench
    limit, notes = _limit(bench, max_drop)
    left, late = _cheapest(search, limit)
    patterns = (*settings.leave_float, *(unit.name for unit in left))
    chosen = settings.model_copy(update={"leave_float": tuple(dict.fromkeys(patterns))})
    difference, coverage = _measured(subject, search, method, chosen, test)
    return (
        Mixed(
            max_drop=max_drop,
            unit=POINTS if bench.metric.unit == FRACTION else bench.metric.unit,
            left_float=chosen.leave_float,
            float_macs_share=coverage.float_share,
            difference=difference,
            recipe=_written(subject, method, chosen, max_drop),
            reached=limit.is_shown(difference),
        ),
        (*notes, *late),
    )


def _limit(bench: Bench, max_drop: float) -> tuple[_Limit, tuple[str, ...]]:
    """The limit, by intervals; by values, and a note, where no interval could lie within it.

    Even float32 set against itself has an interval, which tells what so many samples can show.
    """
    metric = bench.metric
    drop = max_drop / 100 if metric.unit == FRACTION else max_drop
    limit = _Limit(drop, metric.higher_is_better, shown=True)
    same = bench.differences([bench.float_outputs, bench.float_outputs], [0, 0])[1]
    if limit.holds(same):
        return limit, ()
    return _Limit(drop, metric.higher_is_better, shown=False), (
        f"{bench.samples:,} samples can't show that a score falls by no more than {max_drop:g}: "
        "layers were chosen by the measured values, and more samples would tell",
    )


def _cheapest(search: Search, limit: _Limit) -> tuple[list[Unit], tuple[str, ...]]:
    """The units to leave float, in the network's order, and a note where time ran out."""
    losses = {layer.layer: layer.alone_loss for layer in search.layers}
    ordered = sorted(search.units, key=lambda unit: -losses[unit.name] / max(unit.macs, 1))
    left = list[Unit]()
    while not limit.holds(_difference(search, left)):
        if len(left) == len(ordered):
            return list(search.units), (
                "with all of these layers in float the score falls by more",
            )
        if not search.deadline.left:
            return left, ("no time was left to find all layers that have to stay float",)
        left.append(ordered[len(left)])
    for unit in sorted(left, key=lambda unit: -unit.macs):
        if not search.deadline.left:
            return left, ("no time was left to look whether fewer layers would do",)
        fewer = [other for other in left if other != unit]
        if limit.holds(_difference(search, fewer)):
            left = fewer
    return [unit for unit in search.units if unit in left], ()


def _difference(search: Search, left: Collection[Unit]) -> Interval:
    """The score with these units in float, less float32's."""
    names = [name for unit in left for name in unit.names]
    outputs = search.predictions.of(search.mixtures.without(names))
    return search.bench.differences([search.bench.float_outputs, outputs], [0, 0])[1]


def _measured(
    subject: Subject, search: Search, method: str, settings: Settings, test: Samples
) -> tuple[Interval, Coverage]:
    """The score of what the method makes by these settings, less float32's; what is float in it."""
    task = subject.task
    job, files = quantized(task.network, task.calibration, method, settings, subject.scratch)
    coverage = describe(job, files, plugins.method(method)).coverage
    search.predictions.hold(test)
    float_outputs = search.predictions.of(search.mixtures.float_model)
    outputs = search.predictions.of(model_in(job.folder))
    bench = Bench(search.bench.metric, test.targets, float_outputs)
    return bench.differences([float_outputs, outputs], [0, 0])[1], coverage


def _written(subject: Subject, method: str, settings: LeaveFloatSettings, max_drop: float) -> str:
    """Write the recipe into the study's folder; returns its file's name."""
    path = subject.out / f"recipe-{method}.toml"
    with writing(subject.out):
        path.write_text(recipe(subject, method, settings, max_drop), encoding="utf-8")
    return path.name


def recipe(subject: Subject, method: str, settings: LeaveFloatSettings, max_drop: float) -> str:
    """A settings file for `quantbench run --config`: the method, and what isn't its default."""
    defaults = type(settings)().model_dump(mode="json")
    changed = {
        name: value
        for name, value in settings.model_dump(mode="json").items()
        if name == "leave_float" or value != defaults[name]
    }
    metric = subject.results.metric.name
    lines = (
        f"# {subject.results.model}: the layers that stay float so that {metric} falls by no more "
        f"than {max_drop:g}",
        f"method = {toml(['float32', method])}",
        "",
        f"[methods.{toml_key(method)}]",
        *(f"{toml_key(name)} = {toml(value)}" for name, value in changed.items()),
    )
    return "\n".join(lines) + "\n"
