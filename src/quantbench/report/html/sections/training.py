"""The training of the float network: its loss by batch and its test loss and accuracy by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from quantbench.report.html.parts import Figure, Report, Section, Words, keyed, legend, numbers
from quantbench.report.svg.frame import Axis
from quantbench.report.svg.lines import Line, lines
from quantbench.report.svg.marks import nth_series
from quantbench.report.words import count
from quantbench.tasks.records import Training

_POINTS = 300
"""Points of a curve; between them values are averaged."""


def section(report: Report) -> Section | None:
    """The section of the training; None for a network that came trained."""
    training = report.results.training
    if training is None or not training.epochs:
        return None
    last = training.epochs[-1]
    words = Words(
        f"{training.model} on {training.data}, recipe {training.recipe}, seed {training.seed}: "
        f"{count(len(training.epochs), 'epoch')} in {sum(x.seconds for x in training.epochs):,.0f} "
        f"s on {count(training.threads, 'thread')}."
    )
    return Section(
        "training",
        "How the float network was trained",
        (words, _loss(training, last.test_loss), _accuracy(training)),
    )


def _loss(training: Training, last: float) -> Figure:
    values = _averaged(training.losses)
    epochs = len(training.epochs)
    step = epochs / max(1, len(training.losses))
    series = keyed(("training", "test"))
    curve = tuple((place * step, value) for place, value in values)
    test = tuple((float(x.epoch), x.test_loss) for x in training.epochs)
    log = all(y > 0 for _, y in (*curve, *test))
    return Figure(
        "Loss by epoch",
        f"The test loss after the last epoch is {last:.4f} nats.",
        partial(
            lines,
            x=Axis("epoch", (0.0, float(epochs)), margin=0.02),
            y=Axis("loss, nats", tuple(y for _, y in (*curve, *test)), log=log),
            drawn=tuple(
                Line(points, series[name], name, dots=name == "test")
                for name, points in (("training", curve), ("test", test))
                if points
            ),
            named=False,
            height=280.0,
        ),
        numbers(
            "training-loss",
            ("epoch", "training loss", "test loss"),
            (*((x, y, None) for x, y in curve), *((x, None, y) for x, y in test)),
        ),
        legend(series),
        small=True,
    )


def _accuracy(training: Training) -> Figure:
    points = tuple((float(x.epoch), 100 * x.test_accuracy) for x in training.epochs)
    return Figure(
        "Test accuracy by epoch",
        f"It ends at {points[-1][1]:.2f}%.",
        partial(
            lines,
            x=Axis("epoch", (0.0, *(x for x, _ in points)), margin=0.02),
            y=Axis("accuracy %", tuple(y for _, y in points), margin=0.1),
            drawn=(Line(points, nth_series(1), "test accuracy"),),
            named=False,
            height=280.0,
        ),
        numbers(
            "training-accuracy",
            ("epoch", "test accuracy", "seconds"),
            ((x.epoch, x.test_accuracy, x.seconds) for x in training.epochs),
        ),
        small=True,
    )


def _averaged(values: Sequence[float]) -> list[tuple[float, float]]:
    """The curve as at most so many (place, value): each the mean of as many neighbours."""
    each = max(1, -(-len(values) // _POINTS))
    parts = [values[start : start + each] for start in range(0, len(values), each)]
    return [
        (number * each + len(part) / 2, sum(part) / len(part)) for number, part in enumerate(parts)
    ]
