"""The layers that a study of sensitivity takes one by one, or in blocks where they are many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from quantbench.tasks.records import Layer


@dataclass(frozen=True)
class Unit:
    """A layer, or the layers of a block, as what stands for it in `leave_float`."""

    name: str
    layers: tuple[Layer, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its layers."""
        return tuple(layer.name for layer in self.layers)

    @property
    def macs(self) -> int:
        """The multiply-adds for one sample."""
        return sum(layer.macs for layer in self.layers)


def units(layers: Sequence[Layer], most: int) -> tuple[tuple[Unit, ...], tuple[str, ...]]:
    """Return at most `most` units, in order, and sentences on what was joined or left out.

    Layers are taken by themselves where there are few enough. Else those whose names begin alike
    are taken together, in the smallest blocks that are few enough; where even the largest blocks
    are too many, those with the most multiply-adds.
    """
    deepest = max((layer.name.count(".") for layer in layers), default=0)
    for depth in range(deepest + 1, 0, -1):
        found = _blocks(layers, depth)
        if len(found) <= most:
            break
    notes = []
    if len(found) < len(layers):
        notes.append(f"{len(layers)} layers were taken in {len(found)} blocks, for want of time")
    if len(found) > most:
        kept = sorted(found, key=lambda unit: -unit.macs)[: max(most, 1)]
        share = 1 - sum(unit.macs for unit in kept) / max(sum(unit.macs for unit in found), 1)
        notes.append(
            f"{len(found) - len(kept)} of {len(found)} were left out for want of time, those with "
            f"the fewest multiply-adds: {share:.1%} of all"
        )
        found = [unit for unit in found if unit in kept]
    return tuple(found), tuple(notes)


def _blocks(layers: Sequence[Layer], depth: int) -> list[Unit]:
    """The layers whose names agree in their first `depth` parts, together."""
    blocks: dict[str, list[Layer]] = {}
    for layer in layers:
        parts = layer.name.split(".")
        block = ".".join(parts[:depth]) + ".*" if len(parts) > depth else layer.name
        blocks.setdefault(block, []).append(layer)
    return [
        Unit(block if len(members) > 1 else members[0].name, tuple(members))
        for block, members in blocks.items()
    ]
