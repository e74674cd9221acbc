"""The text of golden.h: inputs, and the outputs that Python computes for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from quantbench.c99.check.golden import answered_vectors, float32_vectors
from quantbench.c99.emit.c_syntax import array
from quantbench.c99.emit.signature import packed_run
from quantbench.c99.ir import error_bounds
from quantbench.c99.ir.graph import Place, Plan, Values
from quantbench.c99.ir.sizes import Arrays, all_in_parts, multiply_adds
from quantbench.c99.passes.layout import nhwc_order
from quantbench.errors import CompileError

SEED = 1
_RANDOM = 6
_MAX_BYTES, _MAX_MACS = 2**20, 2**33
_ROUNDING = 3 * 2.0**-24
"""Rounding of the float32 that stands for a golden value, and of its comparison."""


def golden(plan: Plan) -> str:
    """The text of golden.h. Raises CompileError where float32 doesn't hold what is computed."""
    return _float32(plan) if plan.graph.is_float32 else _integers(plan)


def golden_integers(plan: Plan) -> tuple[Values, Values]:
    """The golden inputs [N, size] and outputs [N, size] of integers, in the order of the C code."""
    inputs, outputs = answered_vectors(plan.graph, _count(plan), SEED)
    return _stored(inputs, plan.inputs), _stored(outputs, plan.outputs)


def _integers(plan: Plan) -> str:
    inputs, outputs = golden_integers(plan)
    lines = [
        f"#define MODEL_GOLDEN_COUNT {len(inputs)}",
        array("uint8_t", "model_golden_inputs", inputs),
        array("model_output", "model_golden_outputs", outputs),
        packed_run(plan),
    ]
    return "/* What the integer network gives, computed in Python. */\n" + "\n".join(lines)


def _float32(plan: Plan) -> str:
    inputs = float32_vectors(plan.graph, _count(plan), SEED)
    with np.errstate(over="ignore", invalid="ignore"):
        answers = all_in_parts(_answers(plan), inputs, plan.graph)
    finite = [np.isfinite(each.reshape(len(each), -1)).all(axis=1) for each in answers]
    held = np.logical_and.reduce(finite)
    if not held.any():
        raise CompileError("float32 doesn't hold what it computes for inputs near 1")
    inputs, answers = (tuple(each[held] for each in end) for end in (inputs, answers))
    values, tolerances = (tuple(each[:, part] for each in answers) for part in (0, 1))
    lines = [
        f"#define MODEL_GOLDEN_COUNT {len(inputs[0])}",
        array("float", "model_golden_inputs", _stored(inputs, plan.inputs)),
        array("float", "model_golden_outputs", _stored(values, plan.outputs)),
        array("float", "model_golden_tolerances", _stored(tolerances, plan.outputs)),
        packed_run(plan),
    ]
    head = "/* What float64 gives, and how far float32 may be from it, computed in Python. */"
    return head + "\n" + "\n".join(lines)


def _answers(plan: Plan) -> Callable[[Arrays], Arrays]:
    """A function from inputs [N, ...] to [N, 2, *shape]: outputs, and the tolerance of each."""

    def run(inputs: Arrays) -> Arrays:
        return [
            np.stack([near.values, near.error + _ROUNDING * near.most], 1).astype(np.float32)
            for near in error_bounds.execute_all(plan.graph, inputs)
        ]

    return run


def _stored(values: Sequence[Values], places: Sequence[Place]) -> Values:
    """Values [N, *shape] in ONNX's order as [N, size] in the order of the C code.

    Several lie behind one another. Integers are unsigned.
    """
    flat = (
        each.reshape(len(each), -1)[:, nhwc_order(place.shape)]
        for each, place in zip(values, places, strict=True)
    )
    return np.concatenate([*flat], axis=1)


def _count(plan: Plan) -> int:
    """The number of random vectors to write: fewer where they are large, or take long."""
    vector_bytes = sum(place.bytes for place in (*plan.inputs, *plan.outputs))
    work = max(1, multiply_adds(plan.graph))
    return max(1, min(_RANDOM, min(_MAX_BYTES // vector_bytes, _MAX_MACS // work) - 2))
