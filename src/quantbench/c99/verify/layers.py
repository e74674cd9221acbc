"""The first layer whose output isn't the integer graph's: the C with a call behind each layer."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.emit.namespace import renamed
from quantbench.c99.ir.graph import BYTES, Plan, Step, Tensors
from quantbench.numerics.fixed_point import Integers

_TITLE = re.compile(r"^    /\* l(\d+) ", re.MULTILINE)
_TYPES = {"uint8": "u1", "int32": "<i4"}


def watched(source: str, plan: Plan, name: str) -> str | None:
    """The text of NAME.c that hands the tensor of each layer to `NAME_watched`.

    None where its calls aren't the plan's layers, one behind the other.
    """
    head = re.compile(rf"^void {name}_run\([^;]*?\)\n{{\n", re.MULTILINE)
    begins = [match.end() for match in head.finditer(source)]
    if not begins:
        return None
    before, body = source[: begins[-1]], source[begins[-1] :]
    end = body.rindex("}")
    titles = [*_TITLE.finditer(body, 0, end)]
    if [int(title[1]) for title in titles] != [*range(len(plan.steps))]:
        return None
    places = [title.start() for title in titles] + [end]
    declared = "void model_watched(const void *values, size_t count, size_t bytes);\n"
    parts = [renamed(f"#include <stddef.h>\n{declared}", name), before, body[: places[0]]]
    for step, begin, stop in zip(plan.steps, places, places[1:], strict=False):
        parts += [body[begin:stop], renamed(_call(step), name)]
    return "".join([*parts, body[end:]])


def _call(step: Step) -> str:
    output = step.output
    return f"    model_watched({output.at}, {output.size}, {BYTES[output.type]});\n"


def first_layer(plan: Plan, dumped: bytes, values: Tensors) -> int | None:
    """The number of the first step whose output differs; None where all are equal.

    `dumped`: what `watched` C wrote for one sample. `values`: the integer graph's, [1, *shape], by
    the names of tensors. Raises ValueError for a dump of another length.
    """
    for number, (step, tensor) in enumerate(_tensors(plan, dumped)):
        wanted: Integers = values[step.work.output].reshape(-1)[step.order]
        if not np.array_equal(tensor, wanted):
            return number
    return None


def _tensors(plan: Plan, dumped: bytes) -> Iterator[tuple[Step, NDArray[np.generic]]]:
    offset = 0
    for step in plan.steps:
        count, type = step.output.size, np.dtype(_TYPES[step.output.type])
        yield step, np.frombuffer(dumped, type, count, offset)
        offset += count * type.itemsize
    if offset != len(dumped):
        raise ValueError(f"a dump has {len(dumped)} bytes, not {offset}")
