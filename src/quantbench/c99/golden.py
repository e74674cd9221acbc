"""golden.h: inputs, and the outputs that Python computes for them; large ones in a file beside it.

Every number of every output is compared in either form.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.check.golden import answered_vectors, float32_vectors
from quantbench.c99.emit.c_syntax import CWriter, array
from quantbench.c99.emit.data_file import DataFile
from quantbench.c99.emit.signature import packed_run
from quantbench.c99.ir import error_bounds
from quantbench.c99.ir.graph import Place, Plan, Values
from quantbench.c99.ir.sizes import Arrays, all_in_parts, multiply_adds
from quantbench.c99.passes.layout import nhwc_order
from quantbench.errors import CompileError

SEED = 1
HEADER, FILE, ARRAYS = "golden.h", "golden.h.bin", "golden_vectors.h"
GOLDEN_FILES = (HEADER, FILE, ARRAYS)
_COMMENT = (
    "/* The vectors lie in a file beside this one; without .incbin, they are in a header. */\n"
)
_FORMATS = {"uint8_t": "u1", "int32_t": "<i4", "float": "<f4"}
_RANDOM = 6
_MAX_BYTES, _MAX_MACS = 2**20, 2**33
_ROUNDING = 3 * 2.0**-24
"""Rounding of the float32 that stands for a golden value, and of its comparison."""


@dataclass(frozen=True)
class _Vectors:
    """Golden numbers [N, size] of the C type `type`, which C calls `name` and defines as `stored`.

    A typedef of model.h may have a name of its own in C that people read.
    """

    type: str
    name: str
    values: NDArray[Any]
    stored: str

    def data(self) -> bytes:
        """The bytes, of each number the lowest first."""
        return self.values.astype(_FORMATS[self.stored]).tobytes()

    def text(self) -> str:
        """The definition as an array of C."""
        return array(self.type, self.name, self.values)


def golden(plan: Plan, file_from: int | None = None) -> dict[str, str | bytes]:
    """golden.h, and of `file_from` bytes of vectors on the files that it takes in or includes.

    Raises CompileError where float32 doesn't hold what is computed.
    """
    vectors = _float32(plan) if plan.graph.is_float32 else _integers(plan)
    about = "float64 gives, and how far float32 may be from it"
    head = about if plan.graph.is_float32 else "the integer network gives"
    title = f"/* What {head}, computed in Python. */\n"
    count = f"#define MODEL_GOLDEN_COUNT {len(vectors[0].values)}\n"
    if file_from is None or sum(len(each.data()) for each in vectors) < file_from:
        arrays = "\n".join(each.text() for each in vectors)
        return {HEADER: f"{title}{count}{arrays}\n{packed_run(plan)}"}
    same = all(_FORMATS[each.stored].endswith("1") for each in vectors)
    file, c = DataFile("MODEL_GOLDEN", ARRAYS, any_byte_order=same), CWriter()
    c.text(f"{title}{count}")
    file.declare(c, _COMMENT)
    for each in vectors:
        c.text(file.taken_in(each.stored, each.name, each.data(), each.text()))
    c.blank()
    c.text(packed_run(plan))
    arrays = f"/* The golden vectors, for compilers that can't take in a file. */\n{file.arrays}"
    return {HEADER: c.finished(), ARRAYS: arrays, FILE: file.content}


def golden_integers(plan: Plan) -> tuple[Values, Values]:
    """The golden inputs [N, size] and outputs [N, size] of integers, in the order of the C code."""
    inputs, outputs = answered_vectors(plan.graph, _count(plan), SEED)
    return _stored(inputs, plan.inputs), _stored(outputs, plan.outputs)


def _integers(plan: Plan) -> list[_Vectors]:
    inputs, outputs = golden_integers(plan)
    return [
        _Vectors("uint8_t", "model_golden_inputs", inputs, "uint8_t"),
        _Vectors("model_output", "model_golden_outputs", outputs, f"{plan.output.type}_t"),
    ]


def _float32(plan: Plan) -> list[_Vectors]:
    inputs = float32_vectors(plan.graph, _count(plan), SEED)
    with np.errstate(over="ignore", invalid="ignore"):
        answers = all_in_parts(_answers(plan), inputs, plan.graph)
    finite = [np.isfinite(each.reshape(len(each), -1)).all(axis=1) for each in answers]
    held = np.logical_and.reduce(finite)
    if not held.any():
        raise CompileError("float32 doesn't hold what it computes for inputs near 1")
    inputs, answers = (tuple(each[held] for each in end) for end in (inputs, answers))
    values, tolerances = (tuple(each[:, part] for each in answers) for part in (0, 1))
    ends = (
        ("inputs", inputs, plan.inputs),
        ("outputs", values, plan.outputs),
        ("tolerances", tolerances, plan.outputs),
    )
    return [
        _Vectors("float", f"model_golden_{name}", _stored(each, places), "float")
        for name, each, places in ends
    ]


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
