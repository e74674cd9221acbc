"""The rule that the integer network does not follow: a tie goes up."""

from __future__ import annotations

import numpy as np
import pytest

from quantbench.c99 import arithmetic, execute
from quantbench.c99.arithmetic import Integers
from quantbench.c99.graph import Graph


def half_up(product: Integers, s: Integers | int) -> Integers:
    half = np.left_shift(np.int64(1), np.asarray(s, np.int64) - 1)
    return np.asarray(np.right_shift(product + half, s), np.int64)


def rounded_up(graph: Graph, values: Integers) -> Integers:
    """What the network would give by half up: it differs where there are ties."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arithmetic, "nearest_shift", half_up)
        patch.setattr(execute, "nearest_shift", half_up)
        return execute.execute(graph, values)
