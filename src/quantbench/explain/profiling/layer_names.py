"""Find the layers of the network that an operator that ran stands for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain

from quantbench.explain.profiling.operators import Operator
from quantbench.numerics.coverage import LayerNumerics


def layers_of(
    operators: Sequence[Operator], layers: Sequence[LayerNumerics]
) -> list[tuple[LayerNumerics, ...]]:
    """The layers of each operator; () where it is of none, or where it can't be told.

    A layer is found by its name in the operator's. Where some aren't, and as many operators that
    multiply are left over, these are the same in their order, which is that of execution.
    """
    by_length = sorted(layers, key=lambda layer: -len(layer.name))
    named = [
        tuple(layer for layer in by_length if _names(operator.sources, layer.name))
        if operator.multiplies
        else ()
        for operator in operators
    ]
    found = [tuple(sorted(_longest(its), key=layers.index)) for its in named]
    seen = set(chain.from_iterable((layer.name for layer in its) for its in found))
    left = [layer for layer in layers if layer.name not in seen]
    places = [place for place, its in enumerate(found) if operators[place].multiplies and not its]
    if len(left) == len(places):
        for place, layer in zip(places, left, strict=True):
            found[place] = (layer,)
    return found


def _names(sources: Sequence[str], layer: str) -> bool:
    """Whether the layer's name stands in one of the sources, as a whole."""
    parts = re.escape(layer).replace(r"\.", r"[./_]")
    whole = re.compile(rf"(?<![A-Za-z0-9_.]){parts}(?![A-Za-z0-9]|[._]\d)")
    return any(whole.search(source) for source in sources)


def _longest(layers: Sequence[LayerNumerics]) -> list[LayerNumerics]:
    """Those whose name isn't the end or beginning of another's: "block" in "block.conv"."""
    return [
        layer
        for layer in layers
        if not any(other is not layer and layer.name in other.name for other in layers)
    ]
