"""Calibration: the score against the number of samples, the observer, and which were drawn."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal, get_args, get_origin

import numpy as np
from scipy.stats import ttest_ind_from_stats

from quantbench import plugins
from quantbench.errors import CalibrationError, UnavailableError, UsageError, WorkerError
from quantbench.explain.bench import (
    Bench,
    judging,
    model_in,
    quantized,
    require_onnx,
    settings_of,
    test_samples,
)
from quantbench.explain.predictions import Predictions
from quantbench.explain.records import Calibration, CalibrationPoint
from quantbench.explain.subject import Subject
from quantbench.export.calibration import CalibrationSettings
from quantbench.export.ort_quantizer import float_onnx
from quantbench.export.to_onnx import names
from quantbench.harness.deadline import Deadline
from quantbench.results.bootstrap import mean_intervals
from quantbench.results.metric import Metric, Scored
from quantbench.results.statistics import ALPHA
from quantbench.system.record import Settings
from quantbench.tasks.network import Network, TensorSpec

COUNTS = (1, 4, 16, 64, 256, 1024)
DRAWS = 5
SECONDS = 60.0
SEED = 1
FIXED = "its own"
"""The observer of a method that offers no choice."""
_OBSERVERS = ("calibration", "observer", "ranges")
"""Settings that choose how a range is found, by the names that methods give them."""


@dataclass(frozen=True)
class _Plan:
    """The calibrations to make."""

    method: str
    settings: Settings
    field: str | None
    """The setting that chooses the observer; None where the method has no choice."""
    observers: tuple[str, ...]
    counts: Sequence[int]
    draws: int
    available: int

    @property
    def cells(self) -> list[tuple[str, int]]:
        """Each observer with each number of samples, few samples first."""
        return [*product(self.observers, self.counts)]

    @property
    def steps(self) -> list[tuple[int, tuple[str, int]]]:
        """The cells of each draw, a draw after the other; the whole split is drawn once."""
        return [
            (draw, cell)
            for draw in range(self.draws)
            for cell in self.cells
            if draw == 0 or cell[1] < self.available
        ]

    def settings_for(self, observer: str, count: int) -> Settings:
        """The study's settings with so many samples and this observer."""
        chosen = {} if self.field is None else {self.field: observer}
        return self.settings.model_copy(update={"images": count, **chosen})


@dataclass(frozen=True)
class _Cell:
    """The scores of one observer with one number of samples, a draw each."""

    observer: str
    count: int
    scores: tuple[Scored, ...]

    @property
    def values(self) -> tuple[float, ...]:
        return tuple(score.value for score in self.scores if score.value is not None)

    def point(self) -> CalibrationPoint:
        """The mean and the range over the draws."""
        return CalibrationPoint(
            observer=self.observer,
            samples=self.count,
            mean=float(np.mean(self.values)),
            low=min(self.values),
            high=max(self.values),
            draws=len(self.values),
        )


def calibration(
    subject: Subject,
    method: str = "ort_static",
    counts: Sequence[int] = COUNTS,
    observers: Sequence[str] | None = None,
    draws: int = DRAWS,
    *,
    seconds: float = SECONDS,
    metric: Metric | None = None,
) -> Calibration:
    """The score of `method` after calibration on so many samples, drawn anew `draws` times.

    The samples are drawn from the calibration split without replacement; the whole split is one
    draw, and stands for every larger count. `observers`: values of the method's setting for it,
    the study's own first; all where None. A draw of every cell comes before the next draw, until
    `seconds` are spent. `metric` is the study's, where it is no plug-in. Raises UsageError for an
    observer that the method hasn't, UnavailableError where it doesn't calibrate or writes no ONNX.
    """
    require_onnx(method)
    settings = settings_of(subject, method)
    if not isinstance(settings, CalibrationSettings):
        raise UnavailableError(f"method '{method}' takes no calibration samples")
    field, chosen = _observers(method, settings, observers)
    available = len(subject.task.calibration)
    usable = sorted({min(count, available) for count in counts})
    plan = _Plan(method, settings, field, chosen, usable, draws, available)
    deadline = Deadline(seconds)
    network = _as_onnx(subject, method)
    test = test_samples(subject, None, len(plan.steps) + 1)
    with Predictions(subject.task.network, subject.scratch) as predictions:
        predictions.hold(test)
        float_outputs = predictions.of((subject.scratch / FLOAT).read_bytes())
        bench = Bench(judging(subject, metric), test.targets, float_outputs)
        cells, notes = _measured(subject, plan, network, predictions, bench, deadline)
    return Calibration(
        method=method,
        unit=bench.metric.unit,
        points=tuple(cell.point() for cell in cells),
        enough=enough(
            [(cell.count, cell.scores) for cell in cells if cell.observer == chosen[0]],
            higher_is_better=bench.metric.higher_is_better,
        ),
        notes=(*_notes(counts, available), *notes),
    )


def _measured(
    subject: Subject,
    plan: _Plan,
    network: Network,
    predictions: Predictions,
    bench: Bench,
    deadline: Deadline,
) -> tuple[list[_Cell], tuple[str, ...]]:
    """The cells that were scored, and a note on each that wasn't and on time that ran out."""
    rng = np.random.default_rng(SEED)
    orders = [rng.permutation(plan.available) for _ in range(plan.draws)]
    scores: dict[tuple[str, int], list[Scored]] = {cell: [] for cell in plan.cells}
    failed, late = dict[tuple[str, int], str](), tuple[str, ...]()
    steps = plan.steps
    for done, (draw, cell) in enumerate(
        subject.progress.each(steps, "calibrating on few and many samples", len(steps))
    ):
        if not deadline.left:
            late = (f"{done} of {len(steps)} calibrations were made in {deadline.seconds:g} s",)
            break
        if cell in failed:
            continue
        samples = subject.task.calibration.at(np.sort(orders[draw][: cell[1]]))
        try:
            job, _ = quantized(
                network, samples, plan.method, plan.settings_for(*cell), subject.scratch
            )
            scores[cell] += bench.scores([predictions.of(model_in(job.folder))])
            shutil.rmtree(job.folder)
        except (CalibrationError, UnavailableError, WorkerError) as error:
            failed[cell] = str(error)
    cells = [_Cell(*cell, tuple(found)) for cell, found in scores.items() if found]
    whys = (f"{name} on {count} samples: {why}" for (name, count), why in failed.items())
    return cells, (*late, *whys)


FLOAT = "float-to-calibrate.onnx"
MIN_DRAWS = 3
"""Draws without which a number of samples isn't called enough."""


def enough(cells: Sequence[tuple[int, Sequence[Scored]]], *, higher_is_better: bool) -> int | None:
    """The fewest samples beyond which no larger number is shown to score better.

    `cells`: numbers of samples in rising order, each with the scores of its draws. Of fewer than
    MIN_DRAWS nothing is said: another draw may score otherwise. None where no number has as many,
    or where only the largest is left, for nothing tells what more would do.
    """
    comparable = [(count, scores) for count, scores in cells if scores]
    for place, (count, scores) in enumerate(comparable[:-1]):
        better = (
            _is_better(later, scores, higher_is_better=higher_is_better)
            for _, later in comparable[place + 1 :]
        )
        if len(scores) >= MIN_DRAWS and not any(better):
            return count
    return None


def _is_better(
    later: Sequence[Scored], earlier: Sequence[Scored], *, higher_is_better: bool
) -> bool:
    """Whether more samples are shown to score better, over draws and over test samples alike.

    Over draws it is Welch's test; over test samples, where the metric has a value for each, the
    bootstrap interval of the mean difference, each sample's values averaged over the draws.
    """
    sign = 1 if higher_is_better else -1
    values = [
        [score.value for score in scores if score.value is not None] for scores in (later, earlier)
    ]
    gain = sign * (float(np.mean(values[0])) - float(np.mean(values[1])))
    if gain <= 0:
        return False
    spread = [float(np.ptp(drawn)) for drawn in values]
    if any(spread) and not _differ(values[0], values[1]):
        return False
    by_sample = [
        [score.values.astype(np.float64) for score in scores if score.values is not None]
        for scores in (later, earlier)
    ]
    if not all(by_sample):
        return True
    difference = sign * (np.mean(by_sample[0], axis=0) - np.mean(by_sample[1], axis=0))
    (interval,) = mean_intervals(difference[:, None])
    return interval.low is not None and interval.low > 0


def _differ(a: Sequence[float], b: Sequence[float]) -> bool:
    """Welch's test; a single draw, as the whole split is, has to lie beyond all of the others."""
    if len(a) < 2 or len(b) < 2:
        (single, *_), several = (a, b) if len(a) < 2 else (b, a)
        return not min(several) <= single <= max(several)
    (mean_a, std_a), (mean_b, std_b) = (
        (float(np.mean(drawn)), float(np.std(drawn, ddof=1))) for drawn in (a, b)
    )
    welch = ttest_ind_from_stats(mean_a, std_a, len(a), mean_b, std_b, len(b), equal_var=False)
    return bool(welch.pvalue < ALPHA)


def _observers(
    method: str, settings: Settings, asked: Sequence[str] | None
) -> tuple[str | None, tuple[str, ...]]:
    """The setting that chooses the observer, and its values to try, the study's own first.

    Raises UsageError for a value that it hasn't.
    """
    fields = plugins.method(method).SETTINGS.model_fields
    field = next((name for name in _OBSERVERS if name in fields), None)
    if field is None or get_origin(fields[field].annotation) is not Literal:
        if asked and tuple(asked) != (FIXED,):
            raise UsageError(f"method '{method}' has no choice of observers")
        return None, (FIXED,)
    offered = [str(value) for value in get_args(fields[field].annotation)]
    if unknown := [name for name in asked or () if name not in offered]:
        raise UsageError(
            f"method '{method}' has no observer '{unknown[0]}'; it has {', '.join(offered)}"
        )
    own = str(settings.model_dump()[field])
    wanted = tuple(asked) if asked else (own, *(name for name in offered if name != own))
    return field, wanted


def _notes(counts: Sequence[int], available: int) -> tuple[str, ...]:
    larger = [count for count in counts if count > available]
    if not larger:
        return ()
    return (f"there are {available:,} calibration samples, which stand for every larger number",)


def _as_onnx(subject: Subject, method: str) -> Network:
    """The network as an ONNX file, so that it is exported once, where the method takes that."""
    network, path = subject.task.network, subject.scratch / FLOAT
    float_onnx(network, path)
    if not vars(plugins.method(method)).get("TAKES_ONNX", False):
        return network
    if network.onnx is None:
        inputs, outputs = names(network)
        network = replace(
            network,
            inputs=_renamed(network.inputs, inputs),
            outputs=_renamed(network.outputs, outputs),
        )
    return replace(network, onnx=path, make_module=None)


def _renamed(specs: Sequence[TensorSpec], names: Sequence[str]) -> tuple[TensorSpec, ...]:
    return tuple(
        spec.model_copy(update={"name": name}) for spec, name in zip(specs, names, strict=True)
    )
