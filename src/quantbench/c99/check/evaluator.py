"""The ONNX file itself, evaluated by ONNX Runtime without its optimizations, each layer by itself.

Every tensor of integers that the compiler knows becomes an input of the network as well: whatever
reads it reads integers that are given, so that layers are compared one by one, errors don't add
up, and any layer can be driven to the ends of its range. Nothing here is shared with the importer
but the names of tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from quantbench.errors import CompileError

Array = NDArray[Any]
Run = Callable[[dict[str, Array]], Sequence[Array]]
_GIVEN = " (given)"
_TYPES = {"uint8": TensorProto.UINT8, "int8": TensorProto.INT8}


def evaluate(
    model: onnx.ModelProto,
    batch: int | None,
    inputs: Mapping[str, Array],
    integers: Mapping[str, Array],
    watched: Sequence[str],
) -> dict[str, Array]:
    """The tensors `watched`, by name, with the tensors of `integers` given from outside.

    Arrays are [N, ...]; where the file's batch is fixed, N is a multiple of it. Raises
    CompileError where ONNX Runtime doesn't run the file.
    """
    cut = _cut(model, {name: str(values.dtype) for name, values in integers.items()}, watched)
    feeds = {**inputs, **{f"{name}{_GIVEN}": values for name, values in integers.items()}}
    try:
        answers = _in_batches(unoptimized(cut), batch, feeds)
    except Exception as error:  # ONNX Runtime's errors have no common base class
        reason = " ".join(str(error).split())
        raise CompileError(
            "ONNX Runtime can't run this file, so that nothing shows whether the C would be right: "
            f"{reason!a:.200}"
        ) from error
    return dict(zip(watched, answers, strict=True))


def real_inputs(model: onnx.ModelProto) -> dict[str, str]:
    """The tensor of real numbers that each QuantizeLinear rounds, by the name of its output."""
    nodes = (node for node in model.graph.node if node.op_type == "QuantizeLinear")
    return {node.output[0]: node.input[0] for node in nodes}


def _cut(
    model: onnx.ModelProto, types: Mapping[str, str], watched: Sequence[str]
) -> onnx.ModelProto:
    """The model with the tensors of `types` (name -> "uint8" or "int8") as inputs of their own."""
    cut = onnx.ModelProto()
    cut.CopyFrom(model)
    graph = cut.graph
    for node in graph.node:
        for at, name in enumerate(node.input):
            if name in types:
                node.input[at] = f"{name}{_GIVEN}"
    known = {value.name: value for value in (*graph.output, *graph.input)}
    graph.input.extend(
        helper.make_tensor_value_info(f"{name}{_GIVEN}", _TYPES[type], None)
        for name, type in types.items()
    )
    del graph.output[:]
    graph.output.extend(known.get(name) or onnx.ValueInfoProto(name=name) for name in watched)
    return cut


def unoptimized(model: onnx.ModelProto, threads: int = 1) -> Run:
    """A model in ONNX Runtime as it is written: no node is fused, moved or folded.

    Raises ONNX Runtime's own errors for a model that it can't load.
    """
    return _session(model, threads, optimized=False)


def optimized(model: onnx.ModelProto, threads: int = 1) -> Run:
    """A model in ONNX Runtime with the optimizations that it has by default: as people run it.

    Raises ONNX Runtime's own errors for a model that it can't load.
    """
    return _session(model, threads, optimized=True)


def _session(model: onnx.ModelProto, threads: int, *, optimized: bool) -> Run:
    import onnxruntime

    levels = onnxruntime.GraphOptimizationLevel
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = (
        levels.ORT_ENABLE_ALL if optimized else levels.ORT_DISABLE_ALL
    )
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return lambda feeds: session.run(None, feeds)


def _in_batches(run: Run, batch: int | None, feeds: Mapping[str, Array]) -> list[Array]:
    if batch is None:
        return [*run({**feeds})]
    number = len(next(iter(feeds.values())))
    parts = [
        run({name: values[begin : begin + batch] for name, values in feeds.items()})
        for begin in range(0, number, batch)
    ]
    return [np.concatenate(values) for values in zip(*parts, strict=True)]
