"""Linear interpolations: weights of axes against positions, and a wrong weight against the file."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from quantbench.c99.check.integer import verify
from quantbench.c99.frontend.reader import read
from quantbench.c99.importer import import_onnx
from quantbench.c99.nodes.interpolate import Axis, Interpolate
from quantbench.errors import CompileError
from tests.c99.models import Model


def test_few_parts_are_exact() -> None:
    """From 33 places to 65 with the corners aligned: every other output lies between two."""
    axis = Axis.at([Fraction(at * 32, 64) for at in range(65)], 33)
    assert axis.unit == 2
    assert axis.weight.tolist() == [0, 1] * 32 + [2]
    assert (axis.first + axis.weight / 2 == np.arange(65) / 2).all()
    assert axis.second.max() == 32


def test_many_parts_are_rounded_within_what_is_said() -> None:
    positions = [Fraction(at) / Fraction(9.7) for at in range(60)]
    axis = Axis.at(positions, 7)
    reals = np.clip([float(position) for position in positions], 0, 6)
    assert axis.unit == 2**11
    assert np.abs(axis.first + axis.weight / axis.unit - reals).max() <= axis.lost < 2**-11
    assert np.abs(axis.first + axis.part - reals).max() < 1e-15


def test_an_axis_of_one_place_repeats_it() -> None:
    axis = Axis.at([Fraction(-1, 4), Fraction(1, 4)], 1)
    assert not axis.first.any() | axis.second.any() | axis.weight.any()


def test_a_wrong_weight_is_found(tmp_path: Path) -> None:
    model = Model(("n", 2, 4, 5))
    model.pair("x")
    scales = model.constant([1, 1, 1.5, 2.5])
    model.add("Resize", None, "", scales, mode="linear")
    model.pair()
    path = model.saved(tmp_path)
    graph = import_onnx(path)
    verify(read(path), graph)
    (node,) = (node for node in graph.nodes if isinstance(node, Interpolate))
    weight = node.rows.weight.copy()
    weight[2] += 1  # of 6
    wrong = replace(node, rows=replace(node.rows, weight=weight))
    nodes = tuple(wrong if each is node else each for each in graph.nodes)
    with pytest.raises(CompileError, match="would differ from the ONNX file"):
        verify(read(path), replace(graph, nodes=nodes))
