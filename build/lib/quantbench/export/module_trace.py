"""Describe an nn.Module for its file: traced by torch.fx, its layers by their settings."""

from __future__ import annotations

import copy
import inspect
from typing import Any

import torch
from torch import Tensor, fx, nn

from quantbench.errors import UnavailableError, cause
from quantbench.export.module_names import LAYERS, NAMES, SETTINGS
from quantbench.export.module_values import (
    ModuleFile,
    StoredTensor,
    Value,
    WrittenLayer,
    WrittenNode,
    objection,
    stored,
    to_value,
)
from quantbench.system.silence import silenced

_METHODS_ARE_CALLED = (
    torch.ao.nn.quantized.FloatFunctional,
    torch.ao.nn.quantized.FXFloatFunctional,
)


class _Tracer(fx.Tracer):
    """Traces into everything but the layers that a file can name."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:  # noqa: ARG002
        return LAYERS.get(type(m).__name__) is type(m)


def described(module: nn.Module) -> ModuleFile:
    """Describe a module in eval mode; the module stays as it is.

    Raises UnavailableError, with the node and the reason, for one that a file can't hold.
    """
    root = copy.deepcopy(module).eval()  # the tracer leaves constants in what it traces
    for name, part in root.named_modules():
        if isinstance(part, _METHODS_ARE_CALLED):
            raise _refusal(f"'{name}' is a {type(part).__name__}, whose methods are called")
    try:
        with silenced(), torch.no_grad():
            graph = _Tracer().trace(root)
    except Exception as error:
        raise _refusal(f"torch.fx can't trace {type(module).__name__}: {cause(error)}") from error
    nodes = tuple(_node(node) for node in graph.nodes)
    layers = _layers(root)
    return ModuleFile(
        layers=tuple(layers.values()),
        tensors=_tensors(root, graph, layers),
        nodes=nodes,
    )


def arguments(kind: str) -> tuple[str, ...]:
    """The arguments of a layer's constructor that its file holds."""
    if kind in SETTINGS:
        return SETTINGS[kind]
    parameters = inspect.signature(LAYERS[kind]).parameters.values()
    named = (p.name for p in parameters if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return tuple(name for name in named if name not in ("device", "dtype"))


def _refusal(reason: str) -> UnavailableError:
    return UnavailableError(f"the network can't be rebuilt in another process: {reason}")


def _layers(root: nn.Module) -> dict[str, WrittenLayer]:
    """Name -> layer, for all modules that a file can name; a second name refers to the first."""
    first_names: dict[nn.Module, str] = {}
    layers: dict[str, WrittenLayer] = {}
    for name, part in root.named_modules(remove_duplicate=False):
        if LAYERS.get(type(part).__name__) is not type(part) or _is_inside(name, layers):
            continue
        if part in first_names:
            layers[name] = WrittenLayer(name=name, same_as=first_names[part])
        else:
            first_names[part] = name
            layers[name] = _layer(name, part)
    return layers


def _is_inside(name: str, layers: dict[str, WrittenLayer]) -> bool:
    """Whether a module or tensor belongs to one of the layers."""
    parts = name.split(".")
    return any(".".join(parts[:end]) in layers for end in range(1, len(parts)))


def _layer(name: str, part: nn.Module) -> WrittenLayer:
    """Describe a layer by settings that give the same layer. Raises UnavailableError."""
    kind = type(part).__name__
    settings = {key: _setting(part, key) for key in arguments(kind)}
    with torch.device("meta"):
        again = LAYERS[kind](**settings).eval()
    if _outline(again) != _outline(part):
        raise _refusal(f"'{name}' is a {kind} with settings or weights that its constructor lacks")
    try:
        values = {key: to_value(value) for key, value in settings.items()}
    except TypeError as error:
        raise _refusal(f"'{name}' is a {kind} that was made with {error}") from error
    return WrittenLayer(name=name, kind=kind, settings=values)


def _setting(part: nn.Module, key: str) -> Any:
    """The value of a constructor's argument, from the attributes of a layer."""
    if isinstance(part, nn.MultiheadAttention) and key in ("bias", "add_bias_kv"):
        return (part.in_proj_bias if key == "bias" else part.bias_k) is not None
    value = getattr(part, key)
    if key == "bias":
        return value is not None and value is not False
    return value


def _outline(part: nn.Module) -> tuple[str, list[tuple[str, tuple[int, ...], torch.dtype]]]:
    """The printed form of a layer and the names, shapes and dtypes of its state."""
    state = [(key, tuple(value.shape), value.dtype) for key, value in part.state_dict().items()]
    return repr(part), state


def _tensors(
    root: nn.Module, graph: fx.Graph, layers: dict[str, WrittenLayer]
) -> tuple[StoredTensor, ...]:
    """The tensors outside of layers: the state's by shape, others with their values."""
    state = root.state_dict(keep_vars=True)
    read = [str(node.target) for node in graph.nodes if node.op == "get_attr"]
    constants = {name: _reached(root, name) for name in read if name not in state}
    loose = {name: value for name, value in state.items() if not _is_inside(name, layers)}
    tensors = []
    for name, value in (loose | constants).items():
        if not isinstance(value, Tensor):
            raise _refusal(f"'{name}' is no tensor")
        try:
            tensors.append(stored(name, value, with_values=name in constants))
        except TypeError as error:
            raise _refusal(str(error)) from error
    return tuple(tensors)


def _reached(root: nn.Module, path: str) -> object:
    value: object = root
    for part in path.split("."):
        value = getattr(value, part)
    return value


def _node(node: fx.Node) -> WrittenNode:
    """Describe a node. Raises UnavailableError for one that calls what isn't on the lists."""
    target = NAMES.get(node.target) if callable(node.target) else node.target
    if target is None:
        name = node._pretty_print_target(node.target)
        raise _refusal(f"node '{node.name}' calls {name}, which isn't on the list")
    try:
        args: tuple[Value, ...] = tuple(map(to_value, node.args))
        kwargs = {key: to_value(argument) for key, argument in node.kwargs.items()}
    except TypeError as error:
        raise _refusal(f"node '{node.name}' ({target}) takes {error}") from error
    written = WrittenNode(name=node.name, op=node.op, target=target, args=args, kwargs=kwargs)
    if reason := objection(written):
        raise _refusal(reason)
    return written
