"""A checked reader of ONNX files: nodes and constants as plain records."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import AttributeProto, TensorProto

from quantbench.artifacts.onnx_file import Caps, checked
from quantbench.c99.ir.sizes import MAX_NUMBERS
from quantbench.errors import ArtifactError, CompileError

CAPS = Caps(whole=64 * 2**20, beside_weights=4 * 2**20)
OPSETS = range(10, 29)
MAX_ENDS = 16
"""The most inputs, and outputs, of a network."""

_QUANTIZING = frozenset({"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear"})

_INTEGERS: dict[int, Literal["uint8", "int8"]] = {
    TensorProto.UINT8: "uint8",
    TensorProto.INT8: "int8",
}
_INPUTS = frozenset({TensorProto.FLOAT, *_INTEGERS})

Array = NDArray[np.generic]
Attribute = int | float | str | tuple[int, ...] | tuple[float, ...] | Array | None
"""An attribute's value; None: of a type that no supported operator has."""

# Type -> NumPy's name of it, and the field that holds the numbers where raw_data doesn't.
_TYPES: dict[int, tuple[str, str]] = {
    TensorProto.FLOAT: ("<f4", "float_data"),
    TensorProto.DOUBLE: ("<f8", "double_data"),
    TensorProto.INT8: ("<i1", "int32_data"),
    TensorProto.UINT8: ("<u1", "int32_data"),
    TensorProto.INT32: ("<i4", "int32_data"),
    TensorProto.INT64: ("<i8", "int64_data"),
}


@dataclass(frozen=True, eq=False)
class OnnxNode:
    """A node of the ONNX file: its operator, the names of its tensors, its attributes."""

    name: str
    op: str
    inputs: tuple[str, ...]
    """An omitted one is ""."""
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]

    @cached_property
    def where(self) -> str:
        """The node's name and operator, as messages show them."""
        return f"{shown(self.name or self.outputs[0])} ({shown(self.op)})"

    def whole(self, name: str, default: int) -> int:
        """An integer attribute. Raises CompileError for another type."""
        value = self.attributes.get(name, default)
        if not isinstance(value, int):
            raise self._of_another_type(name)
        return value

    def real(self, name: str, default: float) -> float:
        """A float attribute. Raises CompileError for another type."""
        value = self.attributes.get(name, default)
        if not isinstance(value, float):
            raise self._of_another_type(name)
        return value

    def text(self, name: str, default: str) -> str:
        """A string attribute. Raises CompileError for another type."""
        value = self.attributes.get(name, default)
        if not isinstance(value, str):
            raise self._of_another_type(name)
        return value

    def wholes(self, name: str) -> tuple[int, ...] | None:
        """An attribute that is a list of integers; None where it is absent.

        Raises CompileError for another type.
        """
        value = self.attributes.get(name, ())
        if not isinstance(value, tuple) or any(not isinstance(number, int) for number in value):
            raise self._of_another_type(name)
        return tuple(int(number) for number in value) if name in self.attributes else None

    def _of_another_type(self, name: str) -> CompileError:
        return CompileError(f"{self.where}: its attribute {name} is of another type")


@dataclass(frozen=True)
class NetworkInput:
    """An input of the network."""

    name: str
    shape: tuple[int, ...]
    """The shape of one sample, without the batch."""
    type: Literal["uint8", "int8"] | None
    """The type of the integers that it takes; None: float32."""


@dataclass(frozen=True, eq=False)
class Network:
    """A network with its inputs and outputs. Each tensor is produced once, before it is read."""

    name: str
    opset: int
    nodes: tuple[OnnxNode, ...]
    """The nodes that the outputs depend on."""
    quantized: bool
    """Whether any node of the file rounds to integers."""
    tensors: Mapping[str, TensorProto]
    unsupported: str | None
    """Why the shape of an input isn't; then that shape is ()."""
    inputs: tuple[NetworkInput, ...]
    batch: int | None
    """The fixed batch size; None: any."""
    outputs: tuple[str, ...]
    model: onnx.ModelProto
    """The file, without the nodes that the outputs don't depend on."""

    @property
    def input(self) -> str:
        """The name of the only input, or of the first."""
        return self.inputs[0].name

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of the only input, or of the first, without the batch."""
        return self.inputs[0].shape

    @property
    def input_type(self) -> Literal["uint8", "int8"] | None:
        """The type of integers that the only input, or the first, takes; None: float32."""
        return self.inputs[0].type

    @property
    def output(self) -> str:
        """The name of the only output, or of the first."""
        return self.outputs[0]


def read(path: Path) -> Network:
    """Read the ONNX file.

    Raises ArtifactError for another file, CompileError for what isn't supported.
    """
    file = checked(path, CAPS)
    try:
        model = onnx.load_model_from_string(file.data)
    except DecodeError as error:
        raise ArtifactError(f"{path} is not an ONNX model: {error}") from error
    if file.opset not in OPSETS:
        raise CompileError(f"operator set {file.opset}: {OPSETS[0]} to {OPSETS[-1]} are supported")
    if model.functions or model.graph.sparse_initializer:
        raise CompileError("functions of its own, sparse tensors: neither is supported")
    graph = model.graph
    tensors = {_name(tensor.name): tensor for tensor in graph.initializer}
    values = [value for value in graph.input if value.name not in tensors]
    names = [_name(value.name) for value in values]
    outputs = tuple(_name(value.name) for value in graph.output)
    if not 1 <= len({*names}) == len(names) <= MAX_ENDS or (
        not 1 <= len({*outputs}) == len(outputs) <= MAX_ENDS
    ):
        raise CompileError(
            f"{len(names)} inputs, {len(outputs)} outputs: 1 to {MAX_ENDS} of each are supported"
        )
    inputs, batch, unsupported = _inputs(values)
    nodes = [_node(node) for node in graph.node]
    _require_order(nodes, {*names, *tensors}, outputs)
    if len(tensors) != len(graph.initializer):
        raise CompileError("two of its initializers have one name")
    needed = _constants_first(_needed(nodes, outputs), names)
    _keep(graph, {name for node in needed for name in node.outputs if name})
    return Network(
        name=shown(_name(graph.name)),
        opset=file.opset,
        nodes=needed,
        quantized=any(node.op in _QUANTIZING for node in nodes),
        tensors=tensors,
        unsupported=unsupported,
        inputs=inputs,
        batch=batch,
        outputs=outputs,
        model=model,
    )


def _keep(graph: onnx.GraphProto, outputs: set[str]) -> None:
    """Remove the nodes that produce none of `outputs`."""
    kept = [node for node in graph.node if outputs & {*node.output}]
    del graph.node[:]
    graph.node.extend(kept)


def array(tensor: TensorProto, where: str) -> Array:
    """The numbers of a stored tensor.

    Raises CompileError, which names `where`, for another type, a wrong count or too many.
    """
    if tensor.data_type not in _TYPES:
        kinds = TensorProto.DataType
        kind = kinds.Name(tensor.data_type) if tensor.data_type in kinds.values() else "unknown"
        raise CompileError(
            f"{where}: its constant {shown(_name(tensor.name))} is of type {kind.lower()}; "
            "float32, float64, int8, uint8, int32 and int64 are supported"
        )
    dims = tuple(tensor.dims)
    count = math.prod(dims) if len(dims) <= 8 and all(0 <= d <= MAX_NUMBERS for d in dims) else -1
    kind, field = _TYPES[tensor.data_type]
    if not 0 <= count <= MAX_NUMBERS:
        raise CompileError(f"{where}: its constant {shown(_name(tensor.name))} is too large")
    dtype = np.dtype(kind)
    if tensor.HasField("raw_data"):
        fits = len(tensor.raw_data) == count * dtype.itemsize
        values = np.frombuffer(tensor.raw_data, dtype) if fits else np.empty(0, dtype)
    else:
        stored = np.array(getattr(tensor, field))
        values = stored.astype(dtype)
        fits = len(values) == count and (dtype.kind == "f" or np.array_equal(values, stored))
    if not fits:
        raise CompileError(
            f"{where}: its constant {shown(_name(tensor.name))} doesn't hold what its shape says"
        )
    return values.reshape(dims).astype(dtype.newbyteorder("="))


def shown(name: str) -> str:
    """The name in one short line of printable characters, whatever it contains."""
    return "".join(c if c.isprintable() else "?" for c in name[:60]) or "(unnamed)"


def _node(node: onnx.NodeProto) -> OnnxNode:
    op = _name(node.op_type)
    if _name(node.domain) not in ("", "ai.onnx"):
        op = f"{_name(node.domain)}.{op}"
    where = f"{shown(_name(node.name))} ({shown(op)})"
    attributes = {_name(proto.name): _attribute(proto, where) for proto in node.attribute}
    record = OnnxNode(
        name=_name(node.name),
        op=op,
        inputs=tuple(_name(name) for name in node.input),
        outputs=tuple(_name(name) for name in node.output),
        attributes=attributes,
    )
    if not record.outputs or not record.outputs[0]:
        raise CompileError(f"{where}: it has no output")
    if len(attributes) != len(node.attribute):
        raise CompileError(f"{where}: two of its attributes have one name")
    return record


def _attribute(proto: AttributeProto, where: str) -> Attribute:
    if proto.ref_attr_name:
        return None
    if proto.type == AttributeProto.INT:
        return int(proto.i)
    if proto.type == AttributeProto.FLOAT:
        return float(proto.f)
    if proto.type == AttributeProto.STRING:
        return bytes(proto.s).decode("ascii", errors="replace")
    if proto.type == AttributeProto.INTS:
        return tuple(int(i) for i in proto.ints)
    if proto.type == AttributeProto.FLOATS:
        return tuple(float(f) for f in proto.floats)
    if proto.type == AttributeProto.TENSOR:
        return array(proto.t, where)
    return None


def _name(name: object) -> str:
    """The name as text.

    Raises ArtifactError for bytes, which protobuf gives where it isn't UTF-8.
    """
    if not isinstance(name, str):
        raise ArtifactError(f"not an ONNX model: the name {name!a:.60} isn't UTF-8")
    return name


def _inputs(
    values: Sequence[onnx.ValueInfoProto],
) -> tuple[tuple[NetworkInput, ...], int | None, str | None]:
    """The inputs, their fixed batch, and why one isn't supported."""
    inputs: list[NetworkInput] = []
    batches: set[int | None] = set()
    unsupported: str | None = None
    for value in values:
        shape: tuple[int, ...] = ()
        try:
            shape, batch = _input_shape(value)
            batches.add(batch)
        except CompileError as error:  # raised later: unsupported operators are reported first
            unsupported = unsupported or str(error)
        kind = value.type.tensor_type.elem_type
        inputs.append(NetworkInput(_name(value.name), shape, _INTEGERS.get(kind)))
    if len(batches) > 1 and not unsupported:
        unsupported = "its inputs have different batches; one batch for all is supported"
    if len(inputs) > 1 and any(each.type for each in inputs):
        unsupported = unsupported or "several inputs are supported as float32 only"
    return tuple(inputs), min(batches, default=None, key=lambda size: size or 0), unsupported


def _input_shape(value: onnx.ValueInfoProto) -> tuple[tuple[int, ...], int | None]:
    where = f"input {shown(_name(value.name))}"
    kind = value.type.tensor_type
    if not value.type.HasField("tensor_type") or kind.elem_type not in _INPUTS:
        raise CompileError(f"{where}: a tensor of float32, uint8 or int8 is supported")
    sizes = [int(d.dim_value) if d.HasField("dim_value") else None for d in kind.shape.dim]
    batch, *shape = sizes or [0]
    known = tuple(size for size in shape if size is not None)
    if len(known) not in (1, 2, 3) or len(known) < len(shape) or (batch is not None and batch < 1):
        raise CompileError(
            f"{where}: a batch of images [N, C, H, W], signals [N, C, L] or vectors [N, K] is "
            "supported, of which only the batch may be left open"
        )
    if not all(0 < size <= MAX_NUMBERS for size in known) or math.prod(known) > MAX_NUMBERS:
        raise CompileError(f"{where}: its shape {known} isn't supported")
    return known, batch


def _require_order(nodes: list[OnnxNode], known: set[str], ends: Sequence[str]) -> None:
    for node in nodes:
        for name in node.inputs:
            if name and name not in known:
                raise CompileError(f"{node.where}: its input {shown(name)} isn't made before it")
        outputs = [name for name in node.outputs if name]
        if len({*outputs}) < len(outputs) or known & {*outputs}:
            raise CompileError(f"{node.where}: its output is made twice")
        known.update(outputs)
    for end in ends:
        if end not in known:
            raise CompileError(f"its output {shown(end)} isn't made by any node")


def _needed(nodes: list[OnnxNode], outputs: Sequence[str]) -> tuple[OnnxNode, ...]:
    wanted, needed = {*outputs}, []
    for node in reversed(nodes):
        if wanted & {*node.outputs}:
            wanted.update(node.inputs)
            needed.append(node)
    return tuple(reversed(needed))


def _constants_first(nodes: tuple[OnnxNode, ...], inputs: Sequence[str]) -> tuple[OnnxNode, ...]:
    """The nodes in order, with those that don't depend on an input in front.

    Scales may be computed by nodes that stand behind the nodes that they decide on.
    """
    dependent, constants, others = {*inputs}, [], []
    for node in nodes:
        if dependent.isdisjoint(node.inputs):
            constants.append(node)
        else:
            others.append(node)
            dependent.update(name for name in node.outputs if name)
    return (*constants, *others)
