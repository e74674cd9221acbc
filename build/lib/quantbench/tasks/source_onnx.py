"""Turn an ONNX file, float or quantized, into a Network: ONNX Runtime runs it to know it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from google.protobuf.message import DecodeError
from onnx import helper

from quantbench.artifacts.onnx_file import Caps, checked
from quantbench.errors import ArtifactError, NetworkError, cause
from quantbench.samples.records import Array, Arrays
from quantbench.tasks.file_outputs import require_floats
from quantbench.tasks.network import Network, TensorSpec
from quantbench.tasks.onnx_batch import with_dynamic_batch
from quantbench.tasks.onnx_external import kept, with_own_weights
from quantbench.tasks.samples_for import InputSize, samples_for

CAPS = Caps(whole=(2 << 30) - 1, beside_weights=1 << 30)
"""Protocol buffers end at 2 GiB."""
RELATIVE_TOLERANCE = 1e-3
"""Difference, as a share of the largest output, that another order of additions may make."""
_QUANTIZED = (
    "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "ConvInteger", "MatMulInteger",
    "QGemm", "QAttention", "MatMulIntegerToFloat", "DynamicQuantizeMatMul", "DynamicQuantizeLSTM",
    "MatMulNBits", "GatherBlockQuantized",
)  # fmt: skip


def onnx_network(
    path: Path, example: Sequence[Array] | Mapping[str, Array] | None, name: str | None = None
) -> Network:
    """Load an ONNX file, and run it on the example's samples.

    Without an example it is run on random numbers of the shapes that the file states. A batch
    that the file fixes is made dynamic where the network then computes the same. Raises
    ArtifactError for a file that isn't ONNX or keeps weights outside of its folder, NetworkError
    for samples that don't fit.
    """
    whole = with_own_weights(path, CAPS)
    data = checked(whole, CAPS).data
    model = _parsed(data, path)
    sizes = _inputs(model, path)
    arrays = samples_for(sizes, example, path.name)
    runner = _Runner(data, sizes, arrays, path)
    quantized = is_quantized(model)
    stated = next((size.batch for size in sizes if size.batch), None)
    outputs = runner.run(*range(stated or 1))
    names = (value.name for value in model.graph.output)
    require_floats(names, outputs, stated or 1, path, "export")
    notes: tuple[str, ...] = ()
    batch, used = stated, whole
    if stated is None:
        batch = None if _takes_any(runner, outputs, quantized) else 1
    elif dynamic := _made_dynamic(model, stated, runner, sizes, arrays, path):
        batch, data, used = None, dynamic, kept(dynamic)
        notes = (f"{path.name} takes batches of {stated}; a copy that takes any is measured",)
    if batch is not None:
        notes = (f"the network works only for batches of {batch}",)
    return Network(
        name=name or path.stem,
        inputs=tuple(
            TensorSpec(name=size.name, shape=array.shape[1:], dtype=array.dtype.name)
            for size, array in zip(sizes, arrays, strict=True)
        ),
        outputs=tuple(
            TensorSpec(name=value.name, shape=array.shape[1:], dtype=array.dtype.name)
            for value, array in zip(model.graph.output, outputs, strict=True)
        ),
        sha256=hashlib.sha256(data).hexdigest(),
        no_module=f"{path.name} holds an ONNX graph, not a PyTorch module",
        onnx=used,
        fixed_batch=batch,
        quantized=quantized,
        origin=path.name,
        notes=notes,
    )


def is_quantized(model: onnx.ModelProto) -> bool:
    """Whether a model holds quantized tensors or operators, also in its functions and branches."""
    return any(
        node.op_type in _QUANTIZED or node.op_type.startswith("QLinear") for node in _nodes(model)
    )


def _nodes(model: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    waiting = [*model.graph.node, *(node for function in model.functions for node in function.node)]
    while waiting:
        node = waiting.pop()
        yield node
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                waiting.extend(graph.node)


class _Runner:
    """ONNX Runtime's session of a model, and samples to run it on."""

    def __init__(self, data: bytes, sizes: Sequence[InputSize], arrays: Arrays, path: Path) -> None:
        options = ort.SessionOptions()
        options.log_severity_level = 4  # errors are raised as well
        self._names = [size.name for size in sizes]
        self._arrays, self._path = arrays, path
        try:
            self._session = ort.InferenceSession(data, options, ["CPUExecutionProvider"])
        except Exception as error:
            raise ArtifactError(
                f"{path} can't be loaded by ONNX Runtime {ort.__version__}: {cause(error)}"
            ) from error

    def run(self, *samples: int) -> Arrays:
        """The outputs for a batch of samples; beyond the last it begins again at the first."""
        batch = [array.take(samples, axis=0, mode="wrap") for array in self._arrays]
        try:
            return tuple(self._session.run(None, dict(zip(self._names, batch, strict=True))))
        except Exception as error:
            raise NetworkError(f"{self._path} can't run on the samples: {cause(error)}") from error


def _parsed(data: bytes, path: Path) -> onnx.ModelProto:
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError as error:
        raise ArtifactError(f"{path} is not an ONNX model: it can't be decoded") from error
    return model


def _inputs(model: onnx.ModelProto, path: Path) -> tuple[InputSize, ...]:
    """The inputs that aren't weights. Raises NetworkError for one without a batch."""
    stored = {tensor.name for tensor in model.graph.initializer}
    sizes = []
    for value in model.graph.input:
        if value.name in stored:
            continue
        tensor = value.type.tensor_type
        dims = [size.dim_value or None for size in tensor.shape.dim]
        dtype = _dtype(tensor.elem_type)
        if not dims or dtype is None:
            raise NetworkError(
                f"input '{value.name}' of {path} is no tensor of numbers with a batch; export the "
                "network with such inputs alone"
            )
        sizes.append(InputSize(value.name, dims[0], tuple(dims[1:]), dtype))
    if not sizes:
        raise NetworkError(f"{path} takes no input; export the network with its inputs")
    if len(fixed := {size.batch for size in sizes if size.batch}) > 1:
        stated = ", ".join(map(str, sorted(fixed)))
        raise NetworkError(
            f"{path} takes inputs with different first sizes ({stated}); export it with the batch "
            "as the first axis of all"
        )
    return tuple(sizes)


def _dtype(element: int) -> np.dtype[Any] | None:
    """The NumPy dtype of an ONNX element type; None for text and what NumPy doesn't have."""
    try:
        dtype = np.dtype(helper.tensor_dtype_to_np_dtype(element))
    except KeyError:
        return None
    return dtype if dtype.isbuiltin and dtype.kind in "biuf" else None


def _takes_any(runner: _Runner, first: Arrays, quantized: bool) -> bool:
    """Whether two samples at once give what each gives alone.

    A quantized network may choose scales by the batch, so its values aren't compared.
    """
    second = runner.run(1)
    try:
        both = runner.run(0, 1)
    except NetworkError:
        return False
    joined = tuple(np.concatenate(pair) for pair in zip(first, second, strict=True))
    return _agree(joined, both, compare_values=not quantized)


def _made_dynamic(
    model: onnx.ModelProto,
    batch: int,
    original: _Runner,
    sizes: Sequence[InputSize],
    arrays: Arrays,
    path: Path,
) -> bytes | None:
    """The model rewritten for any batch, or None where it doesn't compute the same then."""
    data = with_dynamic_batch(model, batch).SerializeToString(deterministic=True)
    try:
        rewritten = _Runner(data, sizes, arrays, path)
        single, double = rewritten.run(0), rewritten.run(*range(2 * batch))
    except (ArtifactError, NetworkError):
        return None
    halves = zip(original.run(*range(batch)), original.run(*range(batch, 2 * batch)), strict=True)
    joined = tuple(np.concatenate(pair) for pair in halves)
    first = tuple(array[:1] for array in joined)
    return data if _agree(joined, double) and _agree(first, single) else None


def _agree(first: Arrays, second: Arrays, compare_values: bool = True) -> bool:
    """Whether two runs gave the same arrays, but for the order of additions."""
    return all(
        a.shape == b.shape
        and (
            not compare_values or bool(np.abs(a - b).max() <= RELATIVE_TOLERANCE * np.abs(a).max())
        )
        for a, b in zip(first, second, strict=True)
    )
