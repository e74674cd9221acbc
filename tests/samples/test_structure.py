"""Inputs and targets are told apart, and where they can't be, the names are said."""

from __future__ import annotations

import numpy as np
import pytest

from quantbench.errors import SamplesError
from quantbench.samples.structure import choose, parts_of

A, B, Y = np.zeros(3), np.ones(3), np.arange(3)


@pytest.mark.parametrize(
    ("value", "names", "inputs", "targets"),
    [
        (A, (), (A,), None),
        ((A,), (), (A,), None),
        ((A, Y), (), (A,), Y),
        ([A, Y], (), (A,), Y),
        ((A, Y), ("x",), (A,), Y),
        (((A, B), Y), (), (A, B), Y),
        ([[A, B], Y], ("a", "b"), (A, B), Y),
        ((A, B), ("a", "b"), (A, B), None),
        ((A, B, Y), ("a", "b"), (A, B), Y),
        (((A, B), None), ("a", "b"), (A, B), None),
        ({"x": A, "y": Y}, (), (A,), Y),
        ({"images": A, "labels": Y}, ("input.1",), (A,), Y),
        ({"a": A, "b": B, "c": A, "target": Y}, ("b", "a"), (B, A), Y),
        (({"a": A, "b": B}, Y), ("b", "a"), (B, A), Y),
        ({"x": A, "y": B, "labels": Y}, ("x", "y"), (A, B), Y),
    ],
)
def test_inputs_and_targets(
    value: object, names: tuple[str, ...], inputs: tuple[object, ...], targets: object
) -> None:
    parts = parts_of(value, "batch", names)
    assert len(parts.inputs) == len(inputs)
    assert all(part is value for part, value in zip(parts.inputs, inputs, strict=True))
    assert parts.targets is targets


def test_nested_lists_of_numbers_are_one_array() -> None:
    rows = [[1, 2], [3, 4]]
    assert parts_of(rows, "x").inputs == (rows,)


@pytest.mark.parametrize(
    ("value", "names", "message"),
    [
        ((A, B, Y), (), r"a tuple of 3; give x, \(x, y\), or \(\(x1, x2\), y\)"),
        (A, ("a", "b"), "gives 1 inputs; the network takes 2: a, b"),
        (((A, B), Y), ("a",), "gives 2 inputs; the network takes 1: a"),
        ({"x_train": A, "x_test": B}, (), "holds x_train, x_test: name the arrays x and y"),
        ({"x": A, "label": Y, "target": Y}, (), "say which of label and target are the targets"),
        ({"x": A, "y": Y}, ("a", "b"), r"name the arrays the network's inputs \(a, b\) and y"),
        (({"a": A}, Y), ("b",), "has no 'b', which the network takes"),
        ({}, (), "holds nothing"),
    ],
)
def test_what_is_unclear_is_said(value: object, names: tuple[str, ...], message: str) -> None:
    with pytest.raises(SamplesError, match=f"^batch .*{message}"):
        parts_of(value, "batch", names)


def test_numbered_inputs_are_taken_in_the_order_of_their_numbers() -> None:
    numbered = ["x10", "note", "x2", "x1", "y"]
    assert choose(numbered, "file") == (("x1", "x2", "x10"), "y")
    assert choose(numbered, "file", ("a", "b", "c")) == (("x1", "x2", "x10"), "y")
    assert choose(["input_1", "input_0"], "file") == (("input_0", "input_1"), None)
    with pytest.raises(SamplesError, match=r"name the arrays the network's inputs \(a, b\) and y"):
        choose(numbered, "file", ("a", "b"))


def test_the_target_can_be_named() -> None:
    assert choose(["x", "age", "y"], "file", target="age") == (("x",), "age")
    with pytest.raises(SamplesError, match="no 'weight' for the targets"):
        choose(["x", "y"], "file", target="weight")
