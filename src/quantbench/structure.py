"""The layers of a float network, with the multiply-adds that each costs."""

from __future__ import annotations

from collections import Counter
from math import prod

import torch
from torch import fx, nn

from quantbench.records import Layer

ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.Tanh, nn.Sigmoid, nn.Hardswish, nn.Hardsigmoid, nn.GELU)


def layers(model: nn.Module, input_shape: tuple[int, ...]) -> tuple[Layer, ...]:
    """Leaf modules in the order in which one zero input [1, *input_shape] passes them.

    One that is passed more than once is listed once, with the multiply-adds of every pass.
    """
    model = model.eval()
    leaves = {module: name for name, module in model.named_modules() if not any(module.children())}
    shapes: dict[str, tuple[int, ...]] = {}
    costs: dict[str, int] = {}

    def record(module: nn.Module, inputs: object, output: torch.Tensor) -> None:  # noqa: ARG001
        name, shape = leaves[module], tuple(output.shape[1:])
        shapes[name] = shape
        costs[name] = costs.get(name, 0) + macs(module, shape)

    hooks = [module.register_forward_hook(record) for module in leaves]
    try:
        with torch.no_grad():
            model(torch.zeros(1, *input_shape))
    finally:
        for hook in hooks:
            hook.remove()
    followers = {layer: after[-1] for layer, *after in chains(model) if after}
    modules = dict(model.named_modules())
    return tuple(
        _layer(name, modules[name], shape, costs[name], modules.get(followers.get(name, "")))
        for name, shape in shapes.items()
    )


def chains(model: nn.Module) -> list[list[str]]:
    """Layers that multiply, each with the batch norm and activation that alone read it.

    [conv], [conv, relu], [conv, bn, relu], ...
    """
    graph = fx.symbolic_trace(model).graph
    modules = dict(model.named_modules())
    found = []
    for node in graph.nodes:
        if node.op != "call_module" or not isinstance(modules[node.target], nn.Conv2d | nn.Linear):
            continue
        chain, last = [node.target], node
        for kinds in ((nn.BatchNorm2d, nn.BatchNorm1d), ACTIVATIONS):
            follower = _only_user(last)
            if follower is not None and isinstance(modules[follower.target], kinds):
                chain, last = [*chain, follower.target], follower
        found.append(chain)
    return found


def calls(model: nn.Module) -> Counter[nn.Module]:
    """How often one pass calls each module."""
    modules = dict(model.named_modules())
    nodes = fx.symbolic_trace(model).graph.nodes
    return Counter(modules[node.target] for node in nodes if node.op == "call_module")


def macs(module: nn.Module, output_shape: tuple[int, ...]) -> int:
    """Multiply-adds of one input; biases are not counted.

    For a convolution: output elements times kernel area times input channels of a group.
    """
    if isinstance(module, nn.Conv2d):
        return prod(output_shape) * prod(module.kernel_size) * (module.in_channels // module.groups)
    if isinstance(module, nn.Linear):
        return prod(output_shape) * module.in_features
    return 0


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
