"""Let an ONNX network that was exported for one batch take any: rewritten, then compared."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

BATCH = "batch"


def with_dynamic_batch(model: onnx.ModelProto, batch: int) -> onnx.ModelProto:
    """Rewrite a copy so that inputs and outputs [batch, ...] are declared for any batch.

    Reshapes to constant shapes [batch, ...] follow. Nothing else is changed: whether the result
    computes the same has to be tried.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    stored = {tensor.name for tensor in graph.initializer}
    for value in (*graph.input, *graph.output):
        sizes = value.type.tensor_type.shape.dim
        if value.name not in stored and len(sizes) and sizes[0].dim_value == batch:
            sizes[0].dim_param = BATCH  # replaces the value: they are alternatives
    del graph.value_info[:]
    shapes = _constants(graph)
    for node in graph.node:
        shape = shapes.get(node.input[1]) if node.op_type == "Reshape" else None
        if shape is None or shape.size == 0 or shape[0] != batch or _allows_zero(node):
            continue
        # 0 takes over the input's own size, where -1 is taken already.
        free = 0 if -1 in shape else -1
        name = f"{node.output[0]}_{BATCH}"
        values = np.concatenate(([free], shape[1:])).astype(np.int64)
        graph.initializer.append(numpy_helper.from_array(values, name))
        node.input[1] = name
    return copy


def _constants(
    graph: onnx.GraphProto,
) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.int64]]]:
    """Name -> value of the small integer tensors that initializers and Constant nodes hold."""
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    for node in (node for node in graph.node if node.op_type == "Constant"):
        tensors.update((node.output[0], a.t) for a in node.attribute if a.name == "value")
    return {
        name: numpy_helper.to_array(tensor)
        for name, tensor in tensors.items()
        if tensor.data_type == onnx.TensorProto.INT64 and len(tensor.dims) == 1
    }


def _allows_zero(node: onnx.NodeProto) -> bool:
    return any(attribute.name == "allowzero" and attribute.i for attribute in node.attribute)
