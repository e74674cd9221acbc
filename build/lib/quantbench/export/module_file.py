"""Write an nn.Module as JSON that holds no code, and build it again in another process.

The file, module.json, lists layers with their constructors' arguments, tensors that are in no
layer, and nodes that call layers, functions and methods: all by names of export/module_names.py.
Weights aren't in it: the module's state_dict is loaded into the one that `read_module` returns.
Submodules keep their names, so it fits.
"""

from __future__ import annotations

from pathlib import Path

import torch
from pydantic import ValidationError
from torch import Tensor, fx, nn

from quantbench.errors import ArtifactError, UnavailableError, cause
from quantbench.export.module_names import FUNCTIONS, LAYERS
from quantbench.export.module_trace import arguments, described
from quantbench.export.module_values import (
    ModuleFile,
    WrittenLayer,
    WrittenNode,
    from_value,
    objection,
    restored,
)
from quantbench.system.files import read_plain
from quantbench.system.silence import silenced

FILE = "module.json"
MAX_BYTES = 64 << 20
MAX_ELEMENTS = 1 << 33
"""Values in all tensors of a module that is read: 32 GiB of float32."""


class _BadFileError(Exception):
    """A file names what isn't on the lists, or what isn't there."""


def write_module(module: nn.Module, folder: Path) -> None:
    """Write the structure of a module, in eval mode, to module.json in `folder`.

    The module stays as it is. Raises UnavailableError, with the node and the reason, for one that
    can't be written: control flow that depends on data, a layer or function not on the lists.
    """
    text = described(module).model_dump_json(exclude_defaults=True)
    if len(text) > MAX_BYTES:
        raise UnavailableError(
            "the network can't be rebuilt in another process: its structure and constants take "
            f"more than {MAX_BYTES >> 20} MiB"
        )
    (folder / FILE).write_text(text)


def read_module(folder: Path) -> fx.GraphModule:
    """Build the module that `write_module` wrote, in eval mode; its weights are 0 until loaded.

    Nothing but what the lists name is called. Raises ArtifactError for a file that isn't one.
    """
    path = folder / FILE
    try:
        data = read_plain(path, MAX_BYTES + 1)
    except OSError as error:
        raise ArtifactError(f"{path} can't be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise ArtifactError(f"{path} is larger than {MAX_BYTES >> 20} MiB")
    try:
        content = ModuleFile.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"][:4]))
        raise ArtifactError(f"{path} is no module file ({place}: {first['msg']})") from error
    try:
        with silenced():
            return _built(content)
    except _BadFileError as error:
        raise ArtifactError(f"{path} is refused: {error}") from error
    except Exception as error:
        raise ArtifactError(f"{path} describes no module: {cause(error)}") from error


def _built(content: ModuleFile) -> fx.GraphModule:
    parts: dict[str, nn.Module] = {}
    for layer in content.layers:
        parts[layer.name] = parts[layer.same_as] if layer.same_as else _layer(layer)
    tensors = {tensor.name: restored(tensor) for tensor in content.tensors}
    inside = [tensor for part in parts.values() for tensor in part.state_dict().values()]
    if sum(tensor.numel() for tensor in (*inside, *tensors.values())) > MAX_ELEMENTS:
        raise _BadFileError(f"its tensors have more than {MAX_ELEMENTS:,} values")
    root = nn.Module()
    for name, part in parts.items():
        _zeroed(part)
        _attach(root, name, part)
    for tensor in content.tensors:
        value = tensors[tensor.name]
        if tensor.kind != "constant":
            value = torch.zeros(value.shape, dtype=value.dtype)
        _attach(root, tensor.name, nn.Parameter(value) if tensor.kind == "parameter" else value,
                persistent=tensor.kind != "constant")  # fmt: skip
    module = fx.GraphModule(root, _graph(content.nodes))
    module.graph.lint()
    for tensor in content.tensors:
        if tensor.kind == "constant":  # a GraphModule would add it to the state
            _attach(module, tensor.name, tensors[tensor.name], persistent=False)
    _complete(module, root, parts)
    return module.eval()


def _layer(layer: WrittenLayer) -> nn.Module:
    """A layer on the meta device: without values. Raises _BadFileError."""
    if layer.kind not in LAYERS:
        raise _BadFileError(f"layer '{layer.name[:60]}' is a {layer.kind[:60]!a}, not on the list")
    if layer.settings.keys() != set(arguments(layer.kind)):
        raise _BadFileError(f"layer '{layer.name[:60]}' has other settings than a {layer.kind}")
    settings = {key: from_value(value, {}) for key, value in layer.settings.items()}
    with torch.device("meta"):
        return LAYERS[layer.kind](**settings)


def _zeroed(part: nn.Module) -> None:
    """Give a layer's tensors memory, filled with zeros, where they are on the meta device."""
    if any(tensor.is_meta for tensor in part.state_dict().values()):
        part.to_empty(device="cpu")
        with torch.no_grad():
            for tensor in part.state_dict().values():
                tensor.zero_()


def _attach(root: nn.Module, path: str, value: nn.Module | Tensor, persistent: bool = True) -> None:
    """Put a module or tensor into its place, with plain modules on the way to it."""
    *parents, name = path.split(".")
    parent = root
    for part in parents:
        children = dict(parent.named_children())
        if part not in children:
            parent.add_module(part, nn.Module())
        parent = dict(parent.named_children())[part]
    if isinstance(value, nn.Module):
        parent.add_module(name, value)
    elif isinstance(value, nn.Parameter):
        parent.register_parameter(name, value)
    else:
        parent.register_buffer(name, value, persistent=persistent)


def _graph(nodes: tuple[WrittenNode, ...]) -> fx.Graph:
    """The graph of a file's nodes. Raises _BadFileError, KeyError for a node that isn't there."""
    graph = fx.Graph()
    built: dict[str, fx.Node] = {}
    if not nodes or [node.op for node in nodes].index("output") != len(nodes) - 1:
        raise _BadFileError("its one output isn't its last node")
    for node in nodes:
        if reason := objection(node):
            raise _BadFileError(reason)
        if node.name in built:
            raise _BadFileError(f"two nodes are called '{node.name[:60]}'")
        target = FUNCTIONS[node.target] if node.op == "call_function" else node.target
        args = tuple(from_value(argument, built) for argument in node.args)
        kwargs = {key: from_value(argument, built) for key, argument in node.kwargs.items()}
        built[node.name] = graph.create_node(node.op, target, args, kwargs, name=node.name)
    return graph


def _complete(module: nn.Module, root: nn.Module, parts: dict[str, nn.Module]) -> None:
    """Add what no node reads, which a GraphModule drops but the state_dict has."""
    present = dict(module.named_modules(remove_duplicate=False))
    for name, part in parts.items():
        if name not in present:
            _attach(module, name, part)
    state = module.state_dict()
    for name, tensor in root.state_dict(keep_vars=True).items():
        if name not in state:
            _attach(module, name, tensor)
