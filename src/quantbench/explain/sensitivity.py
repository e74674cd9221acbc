"""Sensitivity: what quantizing each layer alone costs, and what leaving it alone float gains."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from quantbench.errors import UnavailableError
from quantbench.explain.bench import (
    FORMAT,
    Bench,
    judging,
    model_in,
    quantized,
    require_onnx,
    settings_of,
    test_samples,
)
from quantbench.explain.mixed import Search, mixed
from quantbench.explain.mixtures import Mixtures, mixtures_of
from quantbench.explain.predictions import Predictions
from quantbench.explain.records import LayerSensitivity, Sensitivity
from quantbench.explain.subject import Subject
from quantbench.explain.units import Unit, units
from quantbench.export.calibration import CalibrationSettings
from quantbench.export.ort_quantizer import float_onnx
from quantbench.harness.deadline import Deadline
from quantbench.results.metric import Metric
from quantbench.samples.records import Array, Arrays
from quantbench.tasks.records import Layer

SECONDS = 30.0
_SAME = 1e-3
"""The share of an output's variance by which two forms of one quantized graph may differ."""
_OF_ROUNDING = 0.25
"""The same as a share of the mean squared difference that quantization makes."""
_NOT_CALIBRATED = (
    "method '{}' doesn't calibrate a network whose weights stay as they are: its layers alone "
    "would be those of another network"
)
MIN_SAMPLES = 500
"""Fewer samples than these are taken only where there are no more: their intervals say little."""


def sensitivity(
    subject: Subject,
    method: str = "ort_static",
    samples: int | None = None,
    *,
    max_drop: float | None = None,
    seconds: float = SECONDS,
    metric: Metric | None = None,
) -> Sensitivity:
    """The sensitivity of each layer that `method` puts on integers, on ONNX Runtime.

    The network is quantized once, as the study did it; each variant is a mixture of that file and
    the float one. `samples`: the most test samples. `max_drop`: also find the layers to leave
    float, so that the score falls by no more, in points of a metric that is a fraction. `seconds`
    bound the time after the network was quantized: fewer samples are taken then, and layers in
    blocks. `metric` is the study's, where it is no plug-in. Raises UnavailableError where the
    method writes no ONNX file that is a form of the float one, or trains its weights, WorkerError
    where ONNX Runtime doesn't run a variant.
    """
    require_onnx(method)
    if not isinstance(settings_of(subject, method), CalibrationSettings):
        raise UnavailableError(_NOT_CALIBRATED.format(method))
    mixtures = _mixtures(subject, method)
    test = test_samples(subject, samples, 4 * len(mixtures.layers) + 2)
    with Predictions(subject.task.network, subject.scratch) as predictions:
        predictions.hold(test)
        float_outputs = predictions.of(mixtures.float_model)
        bench = Bench(judging(subject, metric), test.targets, float_outputs)
        began = time.monotonic()
        all_integer = predictions.of(mixtures.quantized)
        _require_same(all_integer, predictions.of(mixtures.without(())), float_outputs)
        deadline = Deadline(seconds)
        ranking = seconds if max_drop is None else seconds / 2
        plan = _plan(mixtures.layers, len(test), time.monotonic() - began, ranking)
        if plan.samples < len(test):
            predictions.hold(test.part(0, plan.samples))
            bench = bench.first(plan.samples)
            all_integer = tuple(output[: plan.samples] for output in all_integer)
        alone, all_but = list[Arrays](), list[Arrays]()
        for unit in subject.progress.each(
            plan.units, "quantizing one layer at a time", len(plan.units), lambda unit: unit.name
        ):
            alone.append(predictions.of(mixtures.alone(unit.names)))
            all_but.append(predictions.of(mixtures.without(unit.names)))
        layers = _layers(bench, plan.units, all_integer, alone, all_but)
        notes = plan.notes
        found = None
        if max_drop is not None:
            search = Search(bench, mixtures, predictions, plan.units, layers, deadline)
            found, more = mixed(
                subject, search, method, settings_of(subject, method), max_drop, test
            )
            notes += more
    return Sensitivity(method=method, samples=plan.samples, layers=layers, mixed=found, notes=notes)


def _require_same(outputs: Arrays, mixture: Arrays, float_outputs: Arrays) -> None:
    """Raise UnavailableError where the mixture of all layers isn't what the method wrote.

    Its nodes may have been told apart wrongly. Values that only fall on the other side of a step,
    in a graph that ONNX Runtime fuses otherwise, are far less than what rounding changes at all.
    """
    for output, other, real in zip(outputs, mixture, float_outputs, strict=True):
        room = max(
            _SAME * float(np.var(output, dtype=np.float64)), _OF_ROUNDING * _apart(output, real)
        )
        if _apart(output, other) > room:
            raise UnavailableError(
                "the layers of the quantized file can't be told from its ONNX graph: put together "
                "again they answer differently"
            )


def _apart(a: Array, b: Array) -> float:
    return float(np.square(a - b, dtype=np.float64).mean())


def _mixtures(subject: Subject, method: str) -> Mixtures:
    """The float file, and the method's: the study's own, or one that is made for this."""
    network = subject.task.network
    path = subject.scratch / "float.onnx"
    float_onnx(network, path)
    return mixtures_of(
        network, onnx.load(path), onnx.load_from_string(model_in(_folder(subject, method)))
    )


def _folder(subject: Subject, method: str) -> Path:
    row = next((r for r in subject.results.rows if (r.method, r.format) == (method, FORMAT)), None)
    if row is not None:
        return subject.artifact(row).folder
    network, settings = subject.task.network, settings_of(subject, method)
    job, _ = quantized(network, subject.task.calibration, method, settings, subject.scratch)
    return job.folder


@dataclass(frozen=True)
class _Plan:
    """The samples and units that are taken within the time."""

    samples: int
    units: tuple[Unit, ...]
    notes: tuple[str, ...]


def _plan(layers: Sequence[Layer], samples: int, each: float, seconds: float) -> _Plan:
    """The part that fits into `seconds` where one variant takes `each` for so many samples.

    Samples are given up first, down to MIN_SAMPLES, then single layers.
    """
    affordable = seconds / max(each, 1e-6)
    wanted = 2 * len(layers)
    if affordable >= wanted:
        return _Plan(samples, *units(layers, len(layers)))
    taken = min(samples, max(MIN_SAMPLES, int(samples * affordable / wanted)))
    found, notes = units(layers, max(int(affordable * samples / taken / 2), 1))
    if taken < samples:
        notes = (f"the first {taken:,} of {samples:,} samples were taken, for want of time", *notes)
    return _Plan(taken, found, notes)


def _layers(
    bench: Bench,
    taken: tuple[Unit, ...],
    all_integer: Arrays,
    alone: list[Arrays],
    all_but: list[Arrays],
) -> tuple[LayerSensitivity, ...]:
    """Each unit's differences: alone to float32, all but it to all as integers."""
    count = len(taken)
    outputs = [bench.float_outputs, all_integer, *alone, *all_but]
    differences = bench.differences(outputs, [0, 0, *[0] * count, *[1] * count])
    return tuple(
        LayerSensitivity(
            layer=unit.name,
            macs=unit.macs,
            alone=differences[2 + place],
            alone_loss=bench.loss(alone[place]),
            all_but=differences[2 + count + place],
        )
        for place, unit in enumerate(taken)
    )
