"""Small quantized networks written out node by node."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

SCALE, ZERO = 0.5, 10
Ends = tuple[int, int]
FLOAT: Ends = (TensorProto.FLOAT, TensorProto.FLOAT)


class Model:
    """A network whose input x is quantized to uint8; `last` is the name that was made last."""

    def __init__(self, shape: Sequence[int | str | None] = ("n", 2, 4, 4), opset: int = 17) -> None:
        self.shape = shape
        self.opset = opset
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: list[onnx.TensorProto] = []
        self.last = "x"

    def constant(self, values: Any, dtype: str = "float32") -> str:
        name = f"c{len(self.tensors)}"
        self.tensors.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def lifted(self, values: Any, dtype: str) -> str:
        """A constant that is a node; `last` stays."""
        name = f"lifted{len(self.nodes)}"
        value = numpy_helper.from_array(np.asarray(values, dtype))
        self.nodes.append(helper.make_node("Constant", [], [name], name=name, value=value))
        return name

    def add(self, op: str, *inputs: str | None, outputs: int = 1, **attributes: Any) -> str:
        """A node; its first input is the last output unless one is given."""
        given = [self.last, *inputs[1:]] if inputs and inputs[0] is None else inputs or [self.last]
        names = [f"{op.lower()}{len(self.nodes)}{'.' * i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, given, names, name=names[0], **attributes))
        self.last = names[0]
        return self.last

    def pair(
        self, name: str | None = None, scale: Any = SCALE, zero: Any = ZERO, type: str = "uint8",
        **more: Any,
    ) -> str:  # fmt: skip
        given = self.constant(scale), self.constant(zero, type)
        self.add("QuantizeLinear", name, *given, **more)
        return self.add("DequantizeLinear", None, *given, **more)

    def weights(
        self, values: Any, scale: Any = 0.25, zero: Any = 0, type: str = "int8", **more: Any
    ) -> str:
        last = self.last
        name = self.add(
            "DequantizeLinear", self.constant(values, type), self.constant(scale),
            self.constant(zero, type), **more,
        )  # fmt: skip
        self.last = last
        return name

    def conv(self, values: Any = None, **attributes: Any) -> str:
        values = np.ones((3, 2, 2, 2)) if values is None else values
        return self.add("Conv", None, self.weights(values), **attributes)

    def built(self, output: str | None = None, ends: Ends = FLOAT) -> onnx.ModelProto:
        """`ends`: the types of input and output."""
        value = helper.make_tensor_value_info
        graph = helper.make_graph(
            self.nodes,
            "small",
            [value("x", ends[0], self.shape)],
            [value(output or self.last, ends[1], None)],
            self.tensors,
        )
        opsets = [helper.make_opsetid("", self.opset)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)

    def saved(self, folder: Path, output: str | None = None, ends: Ends = FLOAT) -> Path:
        path = folder / "model.onnx"
        path.write_bytes(self.built(output, ends).SerializeToString())
        return path


def images(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(7).normal(0, 20, shape).astype(np.float32)
