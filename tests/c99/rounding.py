"""The rule that the integer network does not follow: a tie goes up."""

from __future__ import annotations

import numpy as np
import pytest

from quantbench.c99.ir.graph import Graph
from quantbench.c99.ir.interpreter import execute
from quantbench.c99.ops import add
from quantbench.numerics import fixed_point
from quantbench.numerics.fixed_point import Integers


def half_up(product: Integers, s: Integers | int) -> Integers:
    half = np.left_shift(np.int64(1), np.asarray(s, np.int64) - 1)
    return np.asarray(np.right_shift(product + half, s), np.int64)


def rounded_up(graph: Graph, values: Integers) -> Integers:
    """What the network would give by half up: it differs where there are ties."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fixed_point, "nearest_shift", half_up)
        patch.setattr(add, "nearest_shift", half_up)
        return execute(graph, values)
