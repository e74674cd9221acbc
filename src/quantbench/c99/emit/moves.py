"""The C that copies values to other places: loops where the index is regular, else a table."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.emit.c_syntax import array
from quantbench.c99.ir.code import Code
from quantbench.c99.ir.graph import BYTES, Order, Step

DEPTH = 5
"""The loops of kernels/rearrange.h."""
Loop = tuple[int, int]
"""How often, and how far apart in the input."""


def moved_code(step: Step, index: Order) -> Code:
    """The C of a step whose value at position i in memory is the input's at `index[i]`."""
    (source,), output, bytes_ = step.inputs, step.output, BYTES[step.output.type]
    run, starts = runs(index)
    found = loops(starts)
    ends, size = f"{source.at}, {output.at}", run * bytes_
    if found is None:
        name = f"{step.identifier}_index"
        call = f"model_permute({ends}, {name}, {len(starts)}, {bytes_}, {size});"
        table = array("uint32_t", name, starts)
        return Code(table, (call,), ("permute",), tables=4 * len(starts))
    name = f"{step.identifier}_loops"
    first = f"(const char *)({source.at}) + {int(starts[0]) * bytes_}"
    flat = [number for count, stride in found for number in (count, stride * bytes_)]
    call = f"model_rearrange({first}, {output.at}, {name}, {size});"
    table = array("int32_t", name, np.array(flat, np.int64))
    return Code(table, (call,), ("rearrange",), tables=4 * len(flat))


def runs(index: Order) -> tuple[int, NDArray[np.int64]]:
    """The longest run of neighbours that divides the index evenly, and where each run begins."""
    breaks = np.flatnonzero(np.diff(index) != 1) + 1
    run = math.gcd(len(index), *breaks.tolist())
    return run, index[::run]


def loops(starts: NDArray[np.int64]) -> tuple[Loop, ...] | None:
    """The nested loops that step through `starts`, the outermost first; None where there are none.

    There are DEPTH of them; those that aren't needed run once.
    """
    found: list[Loop] = []
    while len(starts) > 1:
        steps = np.diff(starts)
        others = np.flatnonzero(steps != steps[0]) + 1
        count = math.gcd(len(starts), *others.tolist())
        if count == 1 or len(found) == DEPTH:
            return None
        found.insert(0, (count, int(steps[0])))
        starts = starts[::count]
    return (*((1, 0),) * (DEPTH - len(found)), *found)
