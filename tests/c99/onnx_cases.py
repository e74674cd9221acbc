"""ONNX's own backend tests of single operators, as float32 networks of one input.

The published data are of all inputs; the compiler takes one, so the others become constants. Where
an element-wise operator is tested on a shape that is no batch of images or vectors, the numbers are
one sample of an image or a vector.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from quantbench.c99.emit.c_syntax import array
from quantbench.c99.emit.signature import packed_run
from quantbench.c99.generate import emit
from quantbench.c99.importer import import_onnx
from quantbench.c99.operators import operators
from quantbench.c99.passes.layout import nhwc_order
from quantbench.c99.target.target import Dtype

Floats = NDArray[np.float32]
_ELEMENTWISE = "elementwise."
_POINTWISE = frozenset({"Add", "Clip", "Dropout", "Identity", "Relu"})
"""Those of the other files that compute each number by itself."""


@dataclass(frozen=True, eq=False)
class Case:
    """One test: a network of one node, what goes in, and what ONNX says comes out.

    `rtol`, `atol`: the tolerances that ONNX gives with it.
    """

    name: str
    op: str
    model: onnx.ModelProto
    inputs: Floats
    outputs: Floats
    rtol: float
    atol: float


@cache
def published() -> tuple[Any, ...]:
    """All of ONNX's tests of nodes, which it gives once in a process."""
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it computes its own data with overflows
        return tuple(collect_testcases(None))


def cases() -> Iterator[Case]:
    """All tests of one node of an operator that float32 compiles, from float32 to float32."""
    for test in published():
        if test.model is None or len(test.model.graph.node) != 1:
            continue
        (node,), (inputs, outputs) = test.model.graph.node, test.data_sets[0]
        plain = node.op_type in operators() and len(outputs) == 1 and len(inputs) > 0
        if plain and _is_float(inputs[0]) and _is_float(outputs[0]):
            yield _case(test, node.op_type, inputs, outputs[0])


def _is_float(values: Any) -> bool:
    return isinstance(values, np.ndarray | np.float32) and np.asarray(values).dtype == np.float32


def _case(test: Any, op: str, inputs: list[Any], output: Any) -> Case:
    first, expected = np.asarray(inputs[0]), np.asarray(output)
    shape = first.shape
    if first.shape == expected.shape and _elementwise(op) and first.ndim not in (2, 4):
        shape = (1, *first.shape) if first.ndim == 3 else (1, math.prod(first.shape))
    model = onnx.ModelProto()
    model.CopyFrom(test.model)
    graph = model.graph
    names = [value.name for value in graph.input]
    del graph.input[:]
    graph.input.append(helper.make_tensor_value_info(names[0], TensorProto.FLOAT, shape))
    for name, value in zip(names[1:], inputs[1:], strict=False):
        graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    return Case(
        test.name, op, model, first.reshape(shape), expected, float(test.rtol), float(test.atol)
    )


def _elementwise(op: str) -> bool:
    if op in _POINTWISE:
        return True
    return operators()[op].__name__.rpartition("ops.")[2].startswith(_ELEMENTWISE)  # type: ignore[attr-defined]


def written(case: Case, path: Path) -> Mapping[str, str] | None:
    """The C of a test, whose golden vectors are ONNX's; None where it is left to the caller.

    Raises CompileError.
    """
    path.write_bytes(case.model.SerializeToString())
    graph = import_onnx(path, Dtype.FLOAT32)
    if graph.final is not None:
        return None
    emitted = emit(graph)
    inputs = _stored(case.inputs, emitted.plan.input.shape)
    outputs = _stored(case.outputs.reshape(len(inputs), -1), emitted.plan.output.shape)
    tolerances = case.atol + case.rtol * np.abs(outputs)
    lines = [
        f"#define MODEL_GOLDEN_COUNT {len(inputs)}",
        array("float", "model_golden_inputs", inputs),
        array("float", "model_golden_outputs", outputs),
        array("float", "model_golden_tolerances", tolerances),
        packed_run(emitted.plan),
    ]
    return {**emitted.files, "golden.h": "\n".join(lines)}


def _stored(values: Floats, shape: tuple[int, ...]) -> Floats:
    """Samples [N, ...] as [N, size], in the order of the C code."""
    return values.reshape(len(values), -1)[:, nhwc_order(shape)]
