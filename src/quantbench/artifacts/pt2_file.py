"""Exported programs on disk: `.pt2` archives that torch.export.load reads, of which we admit few.

torch.export.load is not safe by itself. It unpickles sample inputs, custom objects and every
tensor that the archive says is pickled; it loads compiled libraries; it evaluates the text of
symbolic expressions and guards; it looks operators up by any dotted name in `torch`. So an
archive is taken apart first. It must hold raw tensors and one JSON graph in which every text
is a plain word and every operator is one of OPERATORS; then a new archive is put together in
memory from what was checked, and that is what torch.export.load is given.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path

import torch
import torch.ao.quantization.fx._decomposed  # registers quantized_decomposed
from pydantic import JsonValue
from torch.export import ExportedProgram
from torch.export.pt2_archive._package import PT2ArchiveWriter

from quantbench.errors import ArtifactError, UnavailableError
from quantbench.system.silence import silenced

OPERATORS = frozenset(
    [
        f"torch.ops.aten.{name}"
        for name in (
            "adaptive_avg_pool2d.default", "add.Tensor", "add_.Tensor", "avg_pool2d.default",
            "batch_norm.default", "cat.default", "clone.default", "conv1d.default",
            "conv2d.default", "dropout.default", "elu.default", "flatten.using_ints",
            "gelu.default", "hardsigmoid.default", "hardswish.default", "hardtanh.default",
            "hardtanh_.default", "leaky_relu.default", "linear.default", "log_softmax.int",
            "matmul.default", "max_pool2d.default", "mean.dim", "mul.Tensor", "permute.default",
            "relu.default", "relu6.default", "relu_.default", "reshape.default",
            "sigmoid.default", "silu.default", "softmax.int", "squeeze.dim", "sub.Tensor",
            "tanh.default", "transpose.int", "unsqueeze.default", "view.default",
        )
    ]
    + [
        f"torch.ops.quantized_decomposed.{name}.default"
        for name in (
            "quantize_per_tensor", "dequantize_per_tensor",
            "quantize_per_channel", "dequantize_per_channel",
        )
    ]
)  # fmt: skip
_ROOT = "archive/"
_GRAPH = "models/model.json"
_TENSORS = "data/weights/model_weights_config.json"
_CONSTANTS = "data/constants/model_constants_config.json"
_SAMPLES = "data/sample_inputs/model.pt"
_TENSOR = re.compile(r"data/weights/(weight_\d+)")
_ADDED_BY_WRITER = {
    "archive_format", "archive_version", ".data/version", ".data/serialization_id", "byteorder",
}  # fmt: skip
_WORD = re.compile(r"[A-Za-z0-9_.]*")
_VERSION = re.compile(r"[A-Za-z0-9_.+]*")
_SYMBOL = re.compile(r"s\d+|Symbol\('s\d+', positive=True, integer=True\)")
_LEAF = '{"type": null, "context": null, "children_spec": []}'
_SHAPES_OF_CALLS = {
    f'[1, {{"type": "builtins.tuple", "context": "null", "children_spec": [{{"type": '
    f'"builtins.tuple", "context": "null", "children_spec": [{_LEAF}]}}, {{"type": '
    f'"builtins.dict", "context": "[]", "children_spec": []}}]}}]',
    f"[1, {_LEAF}]",
}
"""Call signatures with one tensor in and one out: the only texts that aren't words."""


def write_program(path: Path, program: ExportedProgram) -> None:
    """The same program gives the same bytes. Raises UnavailableError for one not admitted.

    Changes `program`: example inputs would be pickled, and notes on where a node came from
    hold paths of this machine.
    """
    program.example_inputs = None
    program._guards_code = []
    for node in program.graph.nodes:
        node.meta = {"val": node.meta["val"]} if "val" in node.meta else {}
    buffer = io.BytesIO()
    with silenced():
        torch.export.save(program, buffer)
    records = _records(buffer.getvalue())
    if objection := _objection(records):
        raise UnavailableError(f"the network can't be stored as a .pt2 file: {objection}")
    path.write_bytes(_archive(records))


def read_program(path: Path) -> ExportedProgram:
    """Nothing is unpickled or evaluated. Raises ArtifactError for what isn't admitted."""
    try:
        records = _records(path.read_bytes())
        objection = _objection(records)
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtifactError(f"{path} is not a readable .pt2 file ({error})") from error
    if objection:
        raise ArtifactError(f"{path} is refused: {objection}")
    try:
        with silenced():
            return torch.export.load(io.BytesIO(_archive(records)))
    except (RuntimeError, AssertionError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{path} can't be read by PyTorch {torch.__version__}") from error


def _records(archive: bytes) -> dict[str, bytes]:
    """Name -> content. They are stored uncompressed, so none grows when it is read."""
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        entries = file.infolist()
        if len({entry.filename for entry in entries}) < len(entries):
            raise ValueError("two records of one name")
        for entry in entries:
            if entry.compress_type != zipfile.ZIP_STORED or not entry.filename.startswith(_ROOT):
                raise ValueError(f"record '{entry.filename}' isn't as torch.export.save writes it")
        return {entry.filename.removeprefix(_ROOT): file.read(entry) for entry in entries}


def _archive(records: dict[str, bytes]) -> bytes:
    """Checked records alone, by PyTorch's writer, which puts no time and no path into it."""
    buffer = io.BytesIO()
    with PT2ArchiveWriter(buffer) as writer:
        for name, content in records.items():
            if name not in _ADDED_BY_WRITER:
                writer.write_bytes(name, content)
    return buffer.getvalue()


def _objection(records: dict[str, bytes]) -> str | None:
    """The reason why these records must not be loaded, or None."""
    tensors = {match[1] for name in records if (match := _TENSOR.fullmatch(name))}
    known = {_GRAPH, _TENSORS, _CONSTANTS, _SAMPLES, *_ADDED_BY_WRITER}
    for name, content in records.items():
        if name not in known and not _TENSOR.fullmatch(name):
            return f"it holds '{name[:80]}'"
        if _TENSOR.fullmatch(name) and not content:
            return f"tensor '{name}' is empty"
    if records[_SAMPLES]:
        return "it holds pickled sample inputs"
    if json.loads(records[_CONSTANTS]) != {"config": {}}:
        return "it holds constants that aren't parameters or buffers"
    listed = json.loads(records[_TENSORS])
    for name, entry in listed["config"].items():
        if entry["use_pickle"] or entry["path_name"] not in tensors:
            return f"tensor '{name[:80]}' isn't stored raw"
    graph = json.loads(records[_GRAPH])
    if graph["guards_code"]:
        return "it holds guards, which are Python text"
    return _odd_text(listed) or _odd_text(graph) or _odd_operator(graph["graph_module"]["graph"])


def _odd_operator(graph: dict[str, JsonValue]) -> str | None:
    """The reason why an operator of the graph isn't admitted, or None.

    There is one graph: subgraphs are arguments, whose kinds are checked as text.
    """
    nodes = graph["nodes"]
    assert isinstance(nodes, list)
    for node in nodes:
        assert isinstance(node, dict)
        if node["target"] not in OPERATORS:
            return f"operator '{str(node['target'])[:80]}' isn't among those admitted"
    return None


def _odd_text(value: JsonValue, key: str = "") -> str | None:
    """The first text, key or kind of argument that a plain graph has no use for."""
    if isinstance(value, str):
        allowed = {"expr_str": _SYMBOL, "torch_version": _VERSION}.get(key, _WORD)
        plain = allowed.fullmatch(value) or (key.endswith("_spec") and value in _SHAPES_OF_CALLS)
        return None if plain else f"the text '{value[:80]}' isn't a plain word"
    if isinstance(value, list):
        return next((odd for item in value if (odd := _odd_text(item, key))), None)
    if isinstance(value, dict):
        for name, item in value.items():
            if not _WORD.fullmatch(name) or name in ("as_graph", "as_custom_obj", "as_operator"):
                return f"'{name[:80]}' isn't admitted"
            if odd := _odd_text(item, name):
                return odd
    return None
