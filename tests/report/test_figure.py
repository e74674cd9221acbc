from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from quantbench.report.figure import comparison_figure, loss_figure

from .builder import environment, results, row, training


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
    ("draw", "data"), [(comparison_figure, results()), (loss_figure, training())]
)
def test_same_records_same_bytes_without_metadata(draw, data):
    png = draw(data)
    assert png == draw(data)
    assert not set(opened(png).info) - {"dpi"}


@pytest.mark.parametrize(
    ("draw", "data"), [(comparison_figure, results()), (loss_figure, training())]
)
def test_nothing_is_drawn_over_the_edge(draw, data):
    pixels = np.asarray(opened(draw(data)).convert("L"))
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    assert (edge == 255).all()


def test_odd_names_and_missing_times_are_drawn():
    odd = row("$x_1$", "[b]&", numerics="$", kind="simulated", latency=())
    machine = environment(cpu="Very Long(R) CPU(TM) $9 and $8 with Graphics @ 2.40GHz")
    pixels = np.asarray(opened(comparison_figure(results(odd, row(), environment=machine))))
    assert (pixels[:, -1] == 255).all()


def test_no_rows_are_drawn_too():
    empty = results().model_copy(update={"rows": ()})
    assert opened(comparison_figure(empty)).size == (2000, 300)


def test_few_losses_and_many_epochs_are_drawn():
    none = training().model_copy(update={"losses": (), "epochs": ()})
    many = training()
    epochs = tuple(many.epochs[0].model_copy(update={"epoch": n + 1}) for n in range(30))
    for record in (none, many.model_copy(update={"losses": (1.0,), "epochs": epochs})):
        assert opened(loss_figure(record)).size == (1600, 920)
