"""TensorFlow Lite files: LiteRT checks the whole file before anything in it is read.

The schema's reader comes with ai-edge-litert, and is imported where it is used.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantbench.errors import ArtifactError, UnavailableError, cause
from quantbench.system.extras import why_missing
from quantbench.system.files import opened

if TYPE_CHECKING:
    from ai_edge_litert.schema_py_generated import ModelT

MODEL = "model.tflite"
MAX_BYTES = (2 << 30) - 1
"""FlatBuffers end at 2 GiB."""
MAX_OPERATORS = 100_000
_MAGIC = b"TFL3"


@dataclass(frozen=True)
class TfliteTensor:
    """A tensor; `scales` is empty for one that isn't quantized."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    """The type as the schema spells it: "FLOAT32", "INT8"."""
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int
    """Along which `scales` differ where there are several."""
    data: bytes | None
    """The stored values; None for what is computed."""


@dataclass(frozen=True)
class TfliteOperator:
    """An operator, by the schema's name; -1 stands for an input that is left out."""

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Any
    """The schema's own record of its options, or None."""


@dataclass(frozen=True)
class TfliteGraph:
    """The first subgraph of a model: its tensors, and its operators in the order of running."""

    tensors: tuple[TfliteTensor, ...]
    operators: tuple[TfliteOperator, ...]


def why_no_litert() -> str | None:
    """The reason why LiteRT can't be used here, or None."""
    return why_missing("ai_edge_litert")


def checked(path: Path) -> bytes:
    """The bytes of a TensorFlow Lite file.

    Raises ArtifactError for what isn't one, is damaged, or is larger than FlatBuffers can be.
    """
    try:
        with opened(path) as file:
            if os.fstat(file.fileno()).st_size > MAX_BYTES:
                raise ArtifactError(f"{path} is not a file of at most {MAX_BYTES:,} bytes")
            data = file.read()
    except OSError as error:
        raise ArtifactError(f"{path} can't be read: {error.strerror}") from error
    if data[4:8] != _MAGIC:
        raise ArtifactError(f"{path} is not a TensorFlow Lite model; give the right file")
    return data


def reference_interpreter(data: bytes, path: Path) -> Any:
    """LiteRT's interpreter with its reference kernels, which LiteRT's own are tested against.

    LiteRT has checked every offset in the file then. Raises ArtifactError for a file that it can't
    load, UnavailableError where LiteRT isn't installed.
    """
    if reason := why_no_litert():
        raise UnavailableError(f"{path} is a TensorFlow Lite file: {reason}")
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    try:
        interpreter = Interpreter(
            model_content=data,
            num_threads=1,
            experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
        )
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ArtifactError(f"LiteRT can't load {path}: {cause(error)}") from error
    return interpreter


def read_graph(path: Path) -> TfliteGraph:
    """The graph of a file, once LiteRT has loaded it. Raises ArtifactError, UnavailableError."""
    data = checked(path)
    reference_interpreter(data, path)
    from ai_edge_litert import schema_py_generated as schema

    root = schema.Model.GetRootAs(data)
    graph = root.Subgraphs(0)
    if graph.OperatorsLength() > MAX_OPERATORS or graph.TensorsLength() > 10 * MAX_OPERATORS:
        raise ArtifactError(f"{path} holds more than {MAX_OPERATORS:,} operators")
    model = schema.ModelT.InitFromObj(root)
    kinds = {value: name for name, value in vars(schema.BuiltinOperator).items() if name.isupper()}
    types = {value: name for name, value in vars(schema.TensorType).items() if name.isupper()}
    first = model.subgraphs[0]
    return TfliteGraph(
        tuple(_tensor(model, tensor, types) for tensor in first.tensors),
        tuple(
            TfliteOperator(
                kinds.get(_code(model.operatorCodes[operator.opcodeIndex]), "UNKNOWN"),
                _whole(operator.inputs),
                _whole(operator.outputs),
                operator.builtinOptions,
            )
            for operator in first.operators
        ),
    )


def is_quantized(graph: TfliteGraph) -> bool:
    """Whether a graph holds a tensor of integers with a scale."""
    return any(tensor.scales for tensor in graph.tensors if "INT" in tensor.dtype)


def _code(code: Any) -> int:
    """The operator; old files have room for 127 of them alone, in a field of its own."""
    return max(int(code.builtinCode), int(code.deprecatedBuiltinCode))


def _tensor(model: ModelT, tensor: Any, types: dict[int, str]) -> TfliteTensor:
    held = tensor.quantization
    scales = () if held is None or held.scale is None else tuple(map(float, held.scale))
    zeros = () if held is None or held.zeroPoint is None else _whole(held.zeroPoint)
    stored = model.buffers[tensor.buffer].data
    return TfliteTensor(
        name=_plain(tensor.name),
        shape=_whole(tensor.shape),
        dtype=types.get(tensor.type, "UNKNOWN"),
        scales=scales,
        zero_points=zeros,
        axis=0 if held is None else int(held.quantizedDimension),
        data=None if stored is None or not len(stored) else bytes(stored),
    )


def _plain(name: bytes | str | None) -> str:
    """A name in one line: what a file holds is its maker's, and isn't trusted."""
    text = name.decode(errors="replace") if isinstance(name, bytes) else name or ""
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:200]


def _whole(values: Sequence[int] | None) -> tuple[int, ...]:
    return () if values is None else tuple(int(value) for value in values)
