from __future__ import annotations

import numpy as np
import pytest
from torch import nn

from quantbench.samples.records import Array, Samples
from quantbench.tasks.checks import shapes
from tests.tasks.checks.case import evidence, pixels, samples


def test_a_network_of_one_input_takes_no_pair() -> None:
    pair = samples("test", pixels(200, 1, 3, 4, 4), pixels(200, 2, 5))
    (wrong,) = shapes.number_of_inputs(evidence(test=pair))
    assert wrong.stops
    assert wrong.sentence == "the network has one input (x0), the test samples have 2"
    assert not list(shapes.input_shapes(evidence(test=pair)))
    assert not list(shapes.number_of_inputs(evidence()))


@pytest.mark.parametrize(
    ("array", "remedy"),
    [
        (pixels(200, 1, 4, 4, 3), "move the last axis"),
        (pixels(200, 1, 4, 4), r"bring them to the shape \[N, 3, 4, 4\]"),
        (pixels(200, 1, 3, 4, 4).astype(np.float64), "convert them to float32"),
        (pixels(200, 1, 3, 4, 4).astype(np.int64), "convert them to float32"),
    ],
    ids=["channels last", "axes", "float64", "int64"],
)
def test_another_shape_or_kind_of_number_stops_a_study(array: Array, remedy: str) -> None:
    (wrong,) = shapes.input_shapes(evidence(test=samples("test", array)))
    assert wrong.stops
    assert str(array.dtype) in wrong.sentence
    assert wrong.remedy.startswith(remedy.replace("\\", ""))


def test_the_right_shape_passes() -> None:
    assert not list(shapes.input_shapes(evidence()))


def test_a_lacking_axis_of_one_channel_is_named() -> None:
    flat = evidence(test=samples("test", pixels(200, 1, 48)), shape=(1, 48))
    (wrong,) = shapes.input_shapes(flat)
    assert wrong.remedy == "add the axis of the one channel: x[:, None]"


def test_targets_may_be_missing_but_not_in_part() -> None:
    without = evidence(test=Samples("test", (pixels(200, 1, 3, 4, 4),)))
    assert [found.code for found in shapes.targets_missing(without)] == ["no-targets"]
    assert not list(shapes.targets_missing(evidence()))
    short = Samples("test", (pixels(200, 1, 3, 4, 4),), np.zeros(190, np.int64))
    (wrong,) = shapes.number_of_targets(evidence(test=short))
    assert wrong.sentence == "there are 190 targets for 200 test samples"
    assert not list(shapes.number_of_targets(evidence()))


@pytest.mark.parametrize("label", [-1, 5])
def test_labels_need_an_output(label: int) -> None:
    targets = np.arange(200) % 5
    targets[7] = label
    spoilt = evidence(test=samples("test", pixels(200, 1, 3, 4, 4), targets=targets))
    (wrong,) = shapes.labels_out_of_range(spoilt)
    assert str(label) in wrong.sentence
    assert wrong.sentence.endswith("the network has outputs for classes 0 to 4")
    assert not list(shapes.labels_out_of_range(evidence()))


def test_labels_of_places_may_be_left_out() -> None:
    places = np.zeros((200, 4, 4), np.int64)
    places[0] = 255
    segmentation = evidence(
        nn.Conv2d(3, 6, 1), test=samples("test", pixels(200, 1, 3, 4, 4), targets=places)
    )
    assert not list(shapes.labels_out_of_range(segmentation))
    assert not list(shapes.targets_unlike_outputs(segmentation))
    places[1] = 6
    assert [found.code for found in shapes.labels_out_of_range(segmentation)] == [
        "labels-out-of-range"
    ]


@pytest.mark.parametrize(
    ("targets", "code"),
    [
        (np.zeros((200, 5), np.float32), None),
        (np.zeros(200, np.int64), None),
        (np.eye(5, dtype=np.float32)[np.arange(200) % 5], "one-hot-targets"),
        (np.zeros((200, 7), np.float32), "targets-unlike-outputs"),
        (np.zeros(200, np.float32), "targets-unlike-outputs"),
    ],
)
def test_targets_are_compared_with_outputs(targets: Array, code: str | None) -> None:
    spoilt = evidence(test=samples("test", pixels(200, 1, 3, 4, 4), targets=targets))
    found = [found.code for found in shapes.targets_unlike_outputs(spoilt)]
    assert found == ([code] if code else [])


def test_one_number_a_sample_needs_no_axis_of_one() -> None:
    regression = evidence(
        nn.Sequential(nn.Flatten(), nn.Linear(48, 1)),
        test=samples("test", pixels(200, 1, 3, 4, 4), targets=pixels(200, 4)),
    )
    assert not list(shapes.targets_unlike_outputs(regression))
