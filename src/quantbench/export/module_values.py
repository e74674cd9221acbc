"""The records of a module file, and its arguments as JSON: numbers, texts, nodes and containers."""

from __future__ import annotations

import base64
import keyword
import math
import re
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import torch
from pydantic import Field
from torch import Tensor, fx, nn

from quantbench.export.module_names import ATTRIBUTES, FUNCTIONS, METHODS
from quantbench.system.record import Record

_PATH = re.compile(r"\w+(\.\w+)*", re.ASCII)
_DTYPES = {
    name: getattr(torch, name)
    for name in ("float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8",
                 "uint8", "bool")
}  # fmt: skip
_MEMORY_FORMATS = {
    name: getattr(torch, name)
    for name in ("contiguous_format", "channels_last", "channels_last_3d", "preserve_format")
}
_SPECIAL: dict[object, str] = (
    {value: f"dtype {name}" for name, value in _DTYPES.items()}
    | {value: f"memory_format {name}" for name, value in _MEMORY_FORMATS.items()}
    | {torch.device("cpu"): "device cpu", ...: "ellipsis", math.inf: "inf", -math.inf: "-inf"}
)
_OF_SPECIAL = {name: value for value, name in _SPECIAL.items()}


class NodeRef(Record):
    """The output of an earlier node."""

    node: str


class Container(Record):
    """A list, a tuple, or the three parts of a slice."""

    kind: Literal["list", "tuple", "slice"]
    items: tuple[Value, ...]


class Pairs(Record):
    """A dictionary."""

    pairs: tuple[tuple[str | int, Value], ...]


class Special(Record):
    """A value that JSON has no word for: "dtype float32", "inf", "ellipsis"."""

    special: str


Value: TypeAlias = "bool | int | float | str | NodeRef | Container | Pairs | Special | None"
"""An argument of a node or of a layer's constructor."""


class WrittenLayer(Record):
    """A layer with its constructor's arguments, or another name of one."""

    name: str
    kind: str = ""
    settings: dict[str, Value] = Field({})
    same_as: str = ""
    """The name of the layer that this is, too."""


class StoredTensor(Record):
    """A tensor that is in no layer: the state_dict fills it, or the file has its values."""

    name: str
    kind: Literal["parameter", "buffer", "constant"]
    dtype: str
    shape: tuple[int, ...] = Field(max_length=16)
    values: str = ""
    """The bytes of a constant in base64, little-endian."""


class WrittenNode(Record):
    """A node of torch.fx: `target` is a layer, tensor, function or method by its name."""

    name: str
    op: Literal["placeholder", "get_attr", "call_module", "call_function", "call_method", "output"]
    target: str
    args: tuple[Value, ...] = ()
    kwargs: dict[str, Value] = Field({})


class ModuleFile(Record):
    """The content of module.json."""

    version: Literal[1] = 1
    layers: tuple[WrittenLayer, ...] = Field((), max_length=100_000)
    tensors: tuple[StoredTensor, ...] = Field((), max_length=100_000)
    nodes: tuple[WrittenNode, ...] = Field(max_length=100_000)


def to_value(argument: object) -> Value:
    """Encode an argument. Raises TypeError, with a noun phrase for what it is."""
    if isinstance(argument, fx.Node):
        return NodeRef(node=argument.name)
    if argument is None or isinstance(argument, str | bool):
        return argument
    if isinstance(argument, tuple):  # torch.Size too
        return Container(kind="tuple", items=tuple(map(to_value, argument)))
    if isinstance(argument, list):
        return Container(kind="list", items=tuple(map(to_value, argument)))
    if isinstance(argument, slice):
        parts = (argument.start, argument.stop, argument.step)
        return Container(kind="slice", items=tuple(map(to_value, parts)))
    if isinstance(argument, Mapping):
        return Pairs(pairs=tuple((key, to_value(item)) for key, item in argument.items()))
    known = isinstance(argument, float | torch.dtype | torch.device | torch.memory_format)
    if (known or argument is ...) and argument in _SPECIAL:
        return Special(special=_SPECIAL[argument])
    if isinstance(argument, int | float) and math.isfinite(argument):
        return argument
    raise TypeError(f"a {type(argument).__name__} ({argument!r:.60})")


def from_value(value: Value, nodes: Mapping[str, fx.Node]) -> Any:
    """Decode an argument. Raises KeyError for a node or special value that isn't there."""
    match value:
        case NodeRef(node=name):
            return nodes[name]
        case Special(special=name):
            return _OF_SPECIAL[name]
        case Pairs(pairs=pairs):
            return {key: from_value(item, nodes) for key, item in pairs}
        case Container(kind=kind, items=items):
            parts = [from_value(item, nodes) for item in items]
            if kind == "slice":
                return slice(*parts)
            return parts if kind == "list" else tuple(parts)
        case _:
            return value


def stored(name: str, tensor: Tensor, *, with_values: bool) -> StoredTensor:
    """Describe a tensor that is in no layer. Raises TypeError for a dtype that isn't admitted."""
    dtype = str(tensor.dtype).removeprefix("torch.")
    if dtype not in _DTYPES:
        raise TypeError(f"'{name}' is of dtype {dtype}")
    kind: Literal["parameter", "buffer"] = (
        "parameter" if isinstance(tensor, nn.Parameter) else "buffer"
    )
    flat = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
    return StoredTensor(
        name=name,
        kind="constant" if with_values else kind,
        dtype=dtype,
        shape=tuple(tensor.shape),
        values=base64.b64encode(flat.numpy().tobytes()).decode() if with_values else "",
    )


def restored(tensor: StoredTensor) -> Tensor:
    """Make the tensor: a constant with its values, others on the meta device.

    Raises KeyError or ValueError for a dtype or values that don't fit.
    """
    dtype = _DTYPES[tensor.dtype]
    if tensor.kind != "constant":
        return torch.empty(tensor.shape, dtype=dtype, device="meta")
    data = bytearray(base64.b64decode(tensor.values, validate=True))
    if len(data) != math.prod(tensor.shape) * dtype.itemsize:
        raise ValueError(f"the values of '{tensor.name[:60]}' don't fill its shape")
    if not data:
        return torch.empty(tensor.shape, dtype=dtype)
    return torch.frombuffer(data, dtype=dtype).reshape(tensor.shape)


def objection(node: WrittenNode) -> str | None:
    """The reason why a node may not be in a file, or None."""
    if not _is_name(node.name) or not all(map(_is_name, node.kwargs)):
        return f"node '{node.name[:60]}' or an argument of it has a name that is no identifier"
    target = node.target
    allowed = {
        "placeholder": _is_name(target),
        "output": target == "output",
        "get_attr": bool(_PATH.fullmatch(target)),
        "call_module": bool(_PATH.fullmatch(target)),
        "call_method": target in METHODS,
        "call_function": target in FUNCTIONS,
    }
    if not allowed[node.op]:
        return f"node '{node.name}' is of the kind {node.op} with {target[:60]!a}, not on the list"
    if target == "getattr" and (len(node.args) != 2 or node.args[1] not in ATTRIBUTES):
        return f"node '{node.name}' reads an attribute that isn't on the list"
    return None


def _is_name(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text)
