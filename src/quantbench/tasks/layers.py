"""The layers of a float network, with the multiply-adds that each costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from math import prod

import torch
from torch import Tensor, fx, nn

from quantbench.tasks.network import TensorSpec
from quantbench.tasks.records import Layer

ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.Tanh, nn.Sigmoid, nn.Hardswish, nn.Hardsigmoid, nn.GELU)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, *TRANSPOSED)
RECURRENT = (nn.RNNBase, nn.RNNCellBase)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def layers(model: nn.Module, inputs: tuple[int, ...] | tuple[TensorSpec, ...]) -> tuple[Layer, ...]:
    """The leaf modules in the order in which one sample of zeros passes them.

    `inputs`: the network's inputs, or the shape of its only one.

    A module that is called more than once is listed once, with the multiply-adds of all calls.
    The model is put into eval mode.
    """
    model = model.eval()
    leaves: dict[nn.Module, str] = {}
    for leaf, name in _leaves(model):
        leaves.setdefault(leaf, name)
    shapes: dict[str, tuple[int, ...]] = {}
    costs: dict[str, int] = {}

    def record(
        module: nn.Module, inputs: tuple[object, ...], named: Mapping[str, object], output: object
    ) -> None:
        name, first = leaves[module], next(tensors(output), None)
        shapes[name] = () if first is None else tuple(first.shape[1:])
        read = [tuple(tensor.shape) for tensor in tensors((inputs, named))]
        costs[name] = costs.get(name, 0) + (
            0 if first is None else macs(module, read, tuple(first.shape))
        )

    hooks = [module.register_forward_hook(record, with_kwargs=True) for module in leaves]
    try:
        with torch.no_grad():
            model(*_zeros(inputs))
    finally:
        for hook in hooks:
            hook.remove()
    followers = {layer: after[-1] for layer, *after in chains(model) if after}
    modules = dict(model.named_modules())
    return tuple(
        _layer(name, modules[name], shape, costs[name], modules.get(followers.get(name, "")))
        for name, shape in shapes.items()
    )


def _zeros(inputs: tuple[int, ...] | tuple[TensorSpec, ...]) -> tuple[Tensor, ...]:
    specs = [spec for spec in inputs if isinstance(spec, TensorSpec)]
    if specs:
        return tuple(torch.from_numpy(spec.zeros(1)) for spec in specs)
    return (torch.zeros(1, *(size for size in inputs if isinstance(size, int))),)


def chains(model: nn.Module) -> list[list[str]]:
    """The names of each multiplying layer and of the batch norm and activation that follow it.

    Such as [conv], [conv, relu] or [conv, bn, relu]: a follower is listed only where nothing else
    reads the output before it. Raises where torch.fx can't trace the model.
    """
    graph = fx.symbolic_trace(model).graph
    modules = dict(model.named_modules())
    result = []
    for node in graph.nodes:
        if node.op != "call_module" or not isinstance(
            modules[node.target], (*CONVOLUTIONS, nn.Linear)
        ):
            continue
        chain, last = [node.target], node
        for kinds in (_NORMS, ACTIVATIONS):
            follower = _only_user(last)
            if follower is not None and isinstance(modules[follower.target], kinds):
                chain, last = [*chain, follower.target], follower
        result.append(chain)
    return result


def calls(model: nn.Module) -> Counter[nn.Module]:
    """How often one forward pass calls each module, by torch.fx's trace."""
    modules = dict(model.named_modules())
    nodes = fx.symbolic_trace(model).graph.nodes
    return Counter(modules[node.target] for node in nodes if node.op == "call_module")


def macs(module: nn.Module, inputs: list[tuple[int, ...]], output_shape: tuple[int, ...]) -> int:
    """Multiply-adds of one call, from the shapes of its inputs and output; biases aren't counted.

    A convolution has output elements times kernel area times input channels of a group; a
    transposed one, the same with input and output exchanged; a recurrent layer, steps times
    weights; attention, its four projections and the two products of activations. Any other
    module has 0.
    """
    if isinstance(module, TRANSPOSED):
        return prod(inputs[0]) * prod(module.kernel_size) * (module.out_channels // module.groups)
    if isinstance(module, CONVOLUTIONS):
        return prod(output_shape) * prod(module.kernel_size) * (module.in_channels // module.groups)
    if isinstance(module, nn.Linear):
        return prod(output_shape) * module.in_features
    if isinstance(module, RECURRENT):
        weights = (p.numel() for name, p in module.named_parameters() if name.startswith("weight"))
        features: int = module.input_size
        return prod(inputs[0]) // features * sum(weights)
    if isinstance(module, nn.MultiheadAttention):
        return _attention(module, inputs)
    return 0


def _attention(module: nn.MultiheadAttention, inputs: list[tuple[int, ...]]) -> int:
    """Multiply-adds for query, key and value of one sequence, each [1, tokens, features].

    The first two axes may be in either order.
    """
    width: int = module.embed_dim
    queries, keys, values = (
        prod(shape) // int(features)
        for shape, features in zip(inputs[:3], (width, module.kdim, module.vdim), strict=True)
    )
    read: int = keys + (module.bias_k is not None) + int(module.add_zero_attn)
    projections: int = 2 * queries * width + keys * module.kdim + values * module.vdim
    return projections * width + 2 * queries * read * width


def _leaves(module: nn.Module, name: str = "") -> Iterator[tuple[nn.Module, str]]:
    """Leaf modules with their names; attention is one: PyTorch reads its parts' weights itself."""
    if isinstance(module, nn.MultiheadAttention) or not any(module.children()):
        yield module, name
        return
    for part, child in module.named_children():
        yield from _leaves(child, f"{name}.{part}" if name else part)


def tensors(value: object) -> Iterator[Tensor]:
    """Yield every tensor in a module's inputs or output: nested tuples, lists and mappings."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from tensors(item)
    elif isinstance(value, Mapping):
        yield from tensors(tuple(value.values()))


def _only_user(node: fx.Node) -> fx.Node | None:
    users = list(node.users)
    return users[0] if len(users) == 1 and users[0].op == "call_module" else None


def _layer(
    name: str, module: nn.Module, shape: tuple[int, ...], cost: int, follower: nn.Module | None
) -> Layer:
    activation = type(follower).__name__ if isinstance(follower, ACTIVATIONS) else None
    return Layer(
        name=name,
        kind=type(module).__name__,
        kernel=_pair(getattr(module, "kernel_size", ())),
        stride=_pair(getattr(module, "stride", ())),
        activation=activation,
        output_shape=shape,
        parameters=sum(p.numel() for p in module.parameters()),
        macs=cost,
    )


def _pair(value: int | tuple[int, ...]) -> tuple[int, ...]:
    return (value, value) if isinstance(value, int) else tuple(value)
