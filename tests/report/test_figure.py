from __future__ import annotations

import io
import math

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from quantbench.report.figure import (
    comparison_figure,
    latency_figure,
    loss_figure,
    tradeoff_figure,
)
from quantbench.report.figure.labels import label_points
from quantbench.report.figure.latency import by_batch, named_rows
from quantbench.report.score_axis import frontier, score_axis
from quantbench.report.spread import spread_out
from quantbench.report.write import write
from quantbench.results.select import batch1, largest_batch
from tests.report.builder import (
    ACCURACY,
    SQUARED,
    environment,
    errors,
    latency,
    results,
    row,
    training,
)


def opened(png):
    image = Image.open(io.BytesIO(png))
    image.load()
    return image


def test_comparison_is_a_picture_of_the_expected_size():
    image = opened(comparison_figure(results()))
    assert image.format == "PNG"
    assert image.size == (2000, 760)
    assert opened(comparison_figure(results(row()))).size == (2000, 392)


def test_loss_is_a_picture_of_the_expected_size():
    image = opened(loss_figure(training()))
    assert image.format == "PNG"
    assert image.size == (1600, 920)


@pytest.mark.parametrize(
    ("draw", "data"),
    [
        (comparison_figure, results()),
        (latency_figure, results()),
        (tradeoff_figure, results()),
        (loss_figure, training()),
    ],
)
def test_same_records_same_bytes_without_metadata(draw, data):
    png = draw(data)
    assert png == draw(data)
    assert not set(opened(png).info) - {"dpi"}


@pytest.mark.parametrize(
    ("draw", "data"),
    [
        (comparison_figure, results()),
        (latency_figure, results()),
        (tradeoff_figure, results()),
        (loss_figure, training()),
    ],
)
def test_nothing_is_drawn_over_the_edge(draw, data):
    pixels = np.asarray(opened(draw(data)).convert("L"))
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    assert (edge == 255).all()


FIGURES = (comparison_figure, latency_figure, tradeoff_figure)


def regression():
    """Rows judged by an error, one of them far off and one without a score."""
    base = row()
    rows = (
        errors(0.0123),
        errors(0.0124, "static", single=20.0, float_macs=0, baseline=base),
        errors(0.9, "far", float_macs=0, baseline=base, verdict="worse"),
        errors(None, "nan", float_macs=0, baseline=base, verdict="not judged"),
    )
    long = SQUARED.model_copy(update={"title": "a title of a good many words, all of them short"})
    return results(*rows, metric=long, sample="sample", training=None, data_loading=None)


@pytest.mark.parametrize("draw", FIGURES)
def test_errors_are_drawn_within_the_edges(draw):
    pixels = np.asarray(opened(draw(regression())).convert("L"))
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    assert (edge == 255).all()


def test_a_study_without_training_has_no_files_of_it(tmp_path):
    names = write(regression(), tmp_path)
    pictures = {"figure.png", "latency.png", "tradeoff.png"}
    assert set(names) == {"results.json", "report.html"} | pictures
    assert {path.name for path in tmp_path.iterdir()} == set(names)


@pytest.mark.parametrize("draw", FIGURES)
def test_odd_names_and_missing_times_are_drawn(draw):
    odd = row("$x_1$", "[b]&", kind="simulated", latency=())
    machine = environment(cpu="Very Long(R) CPU(TM) $9 and $8 with Graphics @ 2.40GHz")
    pixels = np.asarray(opened(draw(results(odd, row(), environment=machine))))
    assert (pixels[:, -1] == 255).all()


@pytest.mark.parametrize(("draw", "height"), [(FIGURES[0], 300), *((f, 1240) for f in FIGURES[1:])])
def test_no_rows_are_drawn_too(draw, height):
    empty = results().model_copy(update={"rows": ()})
    assert opened(draw(empty)).size == (2000, height)


def many(number):
    """Rows of all sorts on five engines, one of them far less accurate."""
    base = row()
    engines = ("torch", "onnxruntime", "openvino", "executorch", "torch_compile")
    return tuple(
        base
        if place == 0
        else row(
            f"method_{place % 9}",
            engines[place % 5],
            size=70_000 + 9_000 * place,
            correct=8_712 if place == 17 else 9_895 + place % 7,
            single=30.0 + 17 * place,
            model=90.0 - 3 * place,
            float_macs=0,
            baseline=base,
        )
        for place in range(number)
    )


@pytest.mark.parametrize("number", [1, 4, 22])
def test_a_results_folder_gets_every_figure(tmp_path, number):
    names = write(results(*many(number)), tmp_path)
    written = {path.name for path in tmp_path.iterdir()}
    assert written == set(names)
    sizes = {name: opened((tmp_path / name).read_bytes()).size for name in written if "png" in name}
    assert sizes == {
        "figure.png": (2000, 300 + 92 * number),
        "latency.png": (2000, 1240),
        "tradeoff.png": (2000, 1240),
        "loss.png": (1600, 920),
    }


def test_what_lies_far_below_does_not_press_the_rest_together():
    usual, broken = row(), row(correct=8_712)
    half = usual.score.value - usual.score.low
    axis = score_axis((usual, usual, broken), ACCURACY)
    assert axis.limit == pytest.approx(0.99 - 10 * half)
    assert [axis.far(each) for each in (usual, broken)] == [False, True]
    assert axis.span((usual, broken)) == (100 * usual.score.low, 100 * usual.score.high)
    assert not score_axis((usual, row(correct=9_850)), ACCURACY).far(row(correct=9_850))
    assert score_axis((usual, broken, broken), ACCURACY).limit == -math.inf
    assert score_axis((), ACCURACY).limit == -math.inf


def test_what_lies_far_above_does_not_where_less_is_better():
    usual, broken = errors(0.5), errors(3.0)
    axis = score_axis((usual, usual, broken), SQUARED)
    assert axis.limit == pytest.approx(0.5 + 10 * 0.05)
    assert [axis.far(each) for each in (usual, broken)] == [False, True]
    assert score_axis((usual, broken, broken), SQUARED).limit == math.inf


def test_lines_are_on_the_fewest_threads_and_model_only():
    one_thread, two_threads = latency("model", 8, 50.0), latency("model", 8, 30.0, threads=2)
    times = (two_threads, latency("end_to_end", 8, 90.0), latency("model", 1, 200.0), one_thread)
    assert by_batch(row(latency=times)) == (times[2], one_thread)


def test_the_fastest_at_each_end_are_named_and_the_fastest_float():
    rows = [*many(6), row(runtime="openvino", single=190.0, model=85.0)]
    timed = [(candidate, by_batch(candidate)) for candidate in rows]
    for names, pick in zip(
        named_rows(timed),
        (batch1, lambda candidate: largest_batch(candidate, "model")),
        strict=True,
    ):
        ranked = sorted(rows, key=lambda candidate: pick(candidate).median)
        fastest = {candidate.name for candidate in ranked[:3]}
        assert names == fastest | {
            "float32 on torch" if pick(rows[0]).median < pick(rows[-1]).median else rows[-1].name
        }
    ends = [(candidate, line[-1:]) for candidate, line in timed]
    assert named_rows(ends)[0] == frozenset()


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ([], []),
        ([5.0], [5.0]),
        ([0.0, 3.0], [0.0, 3.0]),
        ([0.0, 0.0], [-0.5, 0.5]),
        ([2.0, 0.0, 2.5], [1.75, 0.0, 2.75]),
        ([0.0, 0.9, 1.8], [-0.1, 0.9, 1.9]),
    ],
)
def test_names_are_moved_as_little_as_keeps_them_apart(wanted, expected):
    assert spread_out(wanted, 1.0) == pytest.approx(expected)


def test_the_front_rises_from_fast_to_slow():
    points = [(3.0, 9.0), (1.0, 7.0), (2.0, 6.0), (2.5, 8.0), (1.0, 5.0), (4.0, 9.0)]
    assert frontier(points, higher_is_better=True) == [(1.0, 7.0), (2.5, 8.0), (3.0, 9.0)]
    assert frontier(points, higher_is_better=False) == [(1.0, 5.0)]
    assert frontier([], higher_is_better=True) == []


def test_names_cover_neither_each_other_nor_a_point():
    figure = Figure(figsize=(8, 5), dpi=100)
    axes = figure.subplots()
    points = [(0.5 + 0.01 * n, 0.5 + 0.01 * (n % 3)) for n in range(8)]
    axes.set(xlim=(0, 1), ylim=(0, 1))
    labels = label_points(figure, axes, [(x, y, f"a long name {x:.2f}") for x, y in points], points)
    boxes = [Text.get_window_extent(label) for label in labels]
    assert [label.get_text() for label in labels] == [f"a long name {x:.2f}" for x, _ in points]
    for place, box in enumerate(boxes):
        assert box.count_overlaps(boxes[:place]) == 0
        assert not any(box.contains(*point) for point in axes.transData.transform(points))
        assert axes.get_window_extent().containsx(box.x0)
        assert axes.get_window_extent().containsx(box.x1)


MEASURED = (
    (3.86, 99.46, "ort_static on c99"), (3.86, 99.44, "nncf_static on c99"),
    (3.87, 99.45, "pt2e_static on c99"), (3.87, 99.46, "qat on c99"),
    (10.89, 99.44, "float32 on c99"), (231.5, 99.22, "static_uncalibrated on torch: 87.12"),
    (27.48, 99.44, ""), (28.77, 99.44, ""), (31.36, 99.44, ""), (34.65, 99.45, ""),
    (34.76, 99.42, ""), (35.12, 99.44, ""), (35.19, 99.46, ""), (39.18, 99.44, ""),
    (57.97, 99.46, ""), (58.01, 99.44, ""), (58.19, 99.44, ""), (59.96, 99.44, ""),
    (61.83, 99.44, ""), (77.22, 99.44, ""), (135.98, 99.46, ""), (136.57, 99.44, ""),
    (137.12, 99.42, ""), (229.79, 99.44, ""), (280.09, 99.44, ""), (377.45, 99.45, ""),
)  # fmt: skip
"""Microseconds and accuracy of a LeNet's rows, and the names of those that the figure names."""


@pytest.mark.parametrize("order", [1, -1])
def test_no_leader_line_crosses_another_name(order):
    figure = Figure(figsize=(10, 6.2), dpi=200)
    axes = figure.subplots()
    axes.set(xscale="log", xlim=(2.8, 600), ylim=(99.18, 99.6))
    named = [each for each in MEASURED if each[2]][::order]
    labels = label_points(figure, axes, named, [(x, y) for x, y, _ in MEASURED])
    assert len(labels) == len(named)
    figure.draw_without_rendering()
    boxes = [Text.get_window_extent(label) for label in labels]
    for label in labels:
        line = label.arrow_patch
        leader = line.get_path().transformed(line.get_transform())
        crossed = [
            other.get_text()
            for other, box in zip(labels, boxes, strict=True)
            if other is not label and leader.intersects_bbox(box, filled=False)
        ]
        assert crossed == [], label.get_text()


def test_few_losses_and_many_epochs_are_drawn():
    none = training().model_copy(update={"losses": (), "epochs": ()})
    many = training()
    epochs = tuple(many.epochs[0].model_copy(update={"epoch": n + 1}) for n in range(30))
    for record in (none, many.model_copy(update={"losses": (1.0,), "epochs": epochs})):
        assert opened(loss_figure(record)).size == (1600, 920)
