"""Layers one by one, in blocks, or the largest."""

from __future__ import annotations

from quantbench.explain.units import units
from quantbench.tasks.records import Layer

NAMES = {"stem": 5, "body.0.a": 40, "body.0.b": 10, "body.1.a": 20, "body.1.b": 10, "head": 15}
LAYERS = [
    Layer(name=name, kind="Conv2d", output_shape=(1,), parameters=1, macs=macs)
    for name, macs in NAMES.items()
]


def test_few_layers_are_taken_one_by_one() -> None:
    found, notes = units(LAYERS, 6)
    assert [unit.name for unit in found] == [*NAMES]
    assert notes == ()


def test_more_are_taken_in_the_smallest_blocks_that_are_few_enough() -> None:
    found, notes = units(LAYERS, 5)
    assert [unit.name for unit in found] == ["stem", "body.0.*", "body.1.*", "head"]
    assert found[1].names == ("body.0.a", "body.0.b")
    assert found[1].macs == 50
    assert notes == ("6 layers were taken in 4 blocks, for want of time",)


def test_of_too_many_blocks_the_largest_are_taken() -> None:
    found, notes = units(LAYERS, 2)
    assert [unit.name for unit in found] == ["body.*", "head"]
    assert notes[0] == "6 layers were taken in 3 blocks, for want of time"
    assert notes[1] == (
        "1 of 3 were left out for want of time, those with the fewest multiply-adds: 5.0% of all"
    )
