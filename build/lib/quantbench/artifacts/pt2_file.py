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

_ATEN = """
abs.default adaptive_avg_pool1d.default adaptive_avg_pool2d.default add.Scalar add.Tensor
add_.Tensor addmm.default amax.default amin.default arange.default arange.start avg_pool1d.default
avg_pool2d.default batch_norm.default bmm.default cat.default celu.default chunk.default
clamp.default clamp_min.default clone.default constant_pad_nd.default contiguous.default
conv1d.default conv1d.padding conv2d.default conv2d.padding conv3d.default
conv_transpose1d.default conv_transpose2d.input cos.default detach.default div.Scalar div.Tensor
div_.Tensor dropout.default dropout_.default elu.default embedding.default eq.Scalar erf.default
exp.default expand.default expand_as.default flatten.using_ints full.default full_like.default
gelu.default glu.default group_norm.default gru.input hardsigmoid.default hardswish.default
hardswish_.default hardtanh.default hardtanh_.default instance_norm.default layer_norm.default
leaky_relu.default leaky_relu_.default linear.default log.default log_softmax.int lstm.input
masked_fill.Scalar matmul.default max_pool1d.default max_pool2d.default maximum.default
mean.default mean.dim minimum.default mish.default movedim.int mul.Scalar mul.Tensor mul_.Tensor
neg.default numpy_T.default ones.default ones_like.default pad.default permute.default
pixel_shuffle.default pow.Tensor_Scalar prelu.default reciprocal.default relu.default
relu6.default relu_.default repeat.default reshape.default rms_norm.default rsqrt.default
rsub.Scalar scaled_dot_product_attention.default select.int selu.default sigmoid.default
sigmoid_.default silu.default silu_.default sin.default slice.Tensor softmax.int softplus.default
split.Tensor split_with_sizes.default sqrt.default squeeze.default squeeze.dim squeeze.dims
stack.default sub.Scalar sub.Tensor sub_.Tensor sum.default sum.dim_IntList sym_size.int t.default
tanh.default tanh_.default to.dtype transpose.int unbind.int unflatten.int unsafe_chunk.default
unsafe_split.Tensor unsqueeze.default upsample_bilinear2d.default upsample_bilinear2d.vec
upsample_nearest2d.default upsample_nearest2d.vec view.default where.self zeros.default
zeros_like.default
"""
OPERATORS = frozenset(
    [f"torch.ops.aten.{name}" for name in _ATEN.split()]
    + [f"_operator.{name}" for name in ("add", "sub", "mul", "floordiv")]
    + [
        f"torch.ops.quantized_decomposed.{name}.default"
        for name in (
            "quantize_per_tensor", "dequantize_per_tensor",
            "quantize_per_channel", "dequantize_per_channel",
        )
    ]
)  # fmt: skip
"""Operators that compute tensors from tensors, and sizes from sizes, and do nothing else."""
_ROOT = "archive/"
_GRAPH = "models/model.json"
_TENSORS = "data/weights/model_weights_config.json"
_CONSTANTS = "data/constants/model_constants_config.json"
_SAMPLES = "data/sample_inputs/model.pt"
_TENSOR = re.compile(r"data/(?:weights|constants)/((?:weight|tensor)_\d+)")
_ADDED_BY_WRITER = {
    "archive_format", "archive_version", ".data/version", ".data/serialization_id", "byteorder",
}  # fmt: skip
_WORD = re.compile(r"[A-Za-z0-9_.]*")
_VERSION = re.compile(r"[A-Za-z0-9_.+]*")
_SIZE = re.compile(
    r"s\d+|(?:Symbol\('s\d+', positive=True, integer=True\)|(?:Mul|Add|FloorDiv|Min|Max)\(|"
    r"Integer\(-?\d{1,18}\)|\)|, )+"
)
"""Sizes that depend on the batch, as torch.export.save spells them: sums, products and limits."""
_CONTAINERS = (None, "builtins.tuple", "builtins.list", "builtins.dict", "collections.OrderedDict")


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


def read_program(path: Path, *, foreign: bool = False) -> ExportedProgram:
    """Nothing is unpickled or evaluated. Raises ArtifactError for what isn't admitted.

    A `foreign` program is one that others saved with torch.export.save: its example inputs, guards
    and notes on where nodes came from are left out before the rest is checked.
    """
    try:
        records = _records(path.read_bytes(), foreign=foreign)
        if foreign:
            records = _without_notes(records)
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


def _without_notes(records: dict[str, bytes]) -> dict[str, bytes]:
    """Records without what a program doesn't need to be run, and what write_program leaves out."""
    graph = json.loads(records[_GRAPH])
    graph["guards_code"] = []
    for node in graph["graph_module"]["graph"]["nodes"]:
        node["metadata"] = {}
    return records | {_SAMPLES: b"", _GRAPH: json.dumps(graph).encode()}


def _records(archive: bytes, *, foreign: bool = False) -> dict[str, bytes]:
    """Name -> content. They are stored uncompressed, so none grows when it is read.

    A foreign archive's folder has the name that its file was saved by.
    """
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        entries = file.infolist()
        first = entries[0].filename if entries else ""
        root = f"{first.partition('/')[0]}/" if foreign else _ROOT
        if len({entry.filename for entry in entries}) < len(entries):
            raise ValueError("two records of one name")
        for entry in entries:
            if entry.compress_type != zipfile.ZIP_STORED or not entry.filename.startswith(root):
                raise ValueError(f"record '{entry.filename}' isn't as torch.export.save writes it")
        return {entry.filename.removeprefix(root): file.read(entry) for entry in entries}


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
    listed = [json.loads(records[file]) for file in (_TENSORS, _CONSTANTS)]
    for name, entry in (item for table in listed for item in table["config"].items()):
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
        allowed = {"expr_str": _SIZE, "torch_version": _VERSION}.get(key, _WORD)
        plain = allowed.fullmatch(value) or (key.endswith("_spec") and _is_plain_tree(value))
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


def _is_plain_tree(text: str) -> bool:
    """Whether a call's arguments are plain tuples, lists and dictionaries of tensors."""
    try:
        version, tree = json.loads(text)
        return version == 1 and _is_plain_node(tree)
    except (ValueError, TypeError, KeyError):
        return False


def _is_plain_node(tree: dict[str, JsonValue]) -> bool:
    """Whether a container is a plain one, its keys are words, and all in it are such."""
    kind, context, children = tree["type"], tree["context"], tree["children_spec"]
    keys = json.loads(context) if isinstance(context, str) else None
    plain_keys = keys is None or (
        isinstance(keys, list)
        and all(isinstance(key, str | int) and _WORD.fullmatch(str(key)) for key in keys)
    )
    return (
        tree.keys() == {"type", "context", "children_spec"}
        and kind in _CONTAINERS
        and plain_keys
        and isinstance(children, list)
        and all(isinstance(child, dict) and _is_plain_node(child) for child in children)
    )
