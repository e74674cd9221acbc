"""The layers of a float network, with the multiply-adds that each costs."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, fx, nn
from torch.utils.flop_counter import FlopCounterMode
from torch.utils.hooks import RemovableHandle

from quantbench.tasks.multiply_adds import (
    CONVOLUTIONS,
    MULTIPLYING,
    TRANSPOSED,
    flop_counter,
    macs,
)
from quantbench.tasks.network import TensorSpec
from quantbench.tasks.records import FUNCTIONAL, Layer

__all__ = ["CONVOLUTIONS", "TRANSPOSED", "chains", "chains_and_calls", "layers", "macs", "tensors"]

ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.Tanh, nn.Sigmoid, nn.Hardswish, nn.Hardsigmoid, nn.GELU)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@dataclass
class _Call:
    """The calls of one module in a forward pass, added up."""

    kind: str
    module: nn.Module | None
    shape: tuple[int, ...] = ()
    macs: int = 0


@dataclass
class _Watch:
    """The calls of a forward pass by the names of modules, as they answer."""

    counter: FlopCounterMode
    calls: dict[str, _Call] = field(default_factory=dict)
    accounted: int = 0
    """Floating-point operations that the counter saw inside of them."""

    @property
    def flops(self) -> int:
        """The floating-point operations since the pass began."""
        return self.counter.get_total_flops()

    def add(self, name: str, call: _Call, output: object, flops: int) -> None:
        """Count a call. The last one's output is what is shown."""
        first = next(tensors(output), None)
        known = self.calls.setdefault(name, call)
        known.shape = () if first is None else tuple(first.shape[1:])
        if known is not call:
            known.macs += call.macs
        self.accounted += flops


def layers(
    model: nn.Module, inputs: Sequence[TensorSpec] | tuple[int, ...], batch: int = 1
) -> tuple[Layer, ...]:
    """The leaf modules in the order in which zeros [batch, ...] pass them.

    A module that is called more than once is listed once, with the multiply-adds of all calls.
    What functions multiply outside of leaf modules, and parameters that none of them owns, are
    the last layer, called FUNCTIONAL. An exported network has the names that its modules had.
    Multiply-adds are those of one sample; `batch` is for networks that take no other. The model
    is put into eval mode.
    """
    model = model.eval()
    leaves: dict[nn.Module, str] = {}
    for leaf, name in _leaves(model):
        leaves.setdefault(leaf, name)
    arguments = [_zeros(model, spec, batch) for spec in _specs(inputs)]
    with contextlib.ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        stack.enter_context(_no_fast_path())
        watch = _Watch(stack.enter_context(flop_counter()))
        for leaf, name in leaves.items():
            for hook in _hooks(leaf, name, watch):
                stack.callback(hook.remove)
        if isinstance(model, fx.GraphModule):
            _Attributing(model, watch).run(*arguments)
        else:
            model(*arguments)
    followers = _followers(model)
    modules = dict(model.named_modules())
    listed = tuple(
        _layer(
            name, call, _parameters(model, name, call), batch, modules.get(followers.get(name, ""))
        )
        for name, call in watch.calls.items()
    )
    return (*listed, *_functional(model, leaves, watch, batch))


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


def chains_and_calls(model: nn.Module) -> tuple[list[list[str]], Counter[nn.Module]]:
    """The chains of `chains`, and the number of times that a forward pass calls each module.

    Both are empty where torch.fx can't trace the model: then nothing is known of them.
    """
    try:
        nodes, found = fx.symbolic_trace(model).graph.nodes, chains(model)
    except Exception:  # noqa: BLE001 - torch.fx runs the network's own code
        return [], Counter()
    modules = dict(model.named_modules())
    return found, Counter(modules[node.target] for node in nodes if node.op == "call_module")


def tensors(value: object) -> Iterator[Tensor]:
    """Yield every tensor in a module's inputs or output: nested tuples, lists and mappings."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from tensors(item)
    elif isinstance(value, Mapping):
        yield from tensors(tuple(value.values()))


class _Attributing(fx.Interpreter):
    """Runs a graph; what its functions compute counts for the modules that they came from."""

    def __init__(self, graph: fx.GraphModule, watch: _Watch) -> None:
        super().__init__(graph)
        self._watch = watch

    def run_node(self, n: fx.Node) -> object:
        """Run one node, and count it for its module where that is known."""
        before = self._watch.flops
        output: object = super().run_node(n)
        name, kind = _module_of(n)
        if n.op == "call_function" and name:
            flops = self._watch.flops - before
            self._watch.add(name, _Call(kind, None, macs=flops // 2), output, flops)
        return output


def _module_of(node: fx.Node) -> tuple[str, str]:
    """Name and class of the innermost module that a node came from; empty where unknown."""
    stack: Mapping[str, tuple[str, str | type]] = node.meta.get("nn_module_stack") or {}
    if not stack:
        return "", ""
    name, kind = list(stack.values())[-1]
    return name, (kind if isinstance(kind, str) else kind.__name__).rpartition(".")[2]


def _hooks(leaf: nn.Module, name: str, watch: _Watch) -> Iterator[RemovableHandle]:
    """Count the calls of a leaf module until the hooks are removed."""
    started: list[int] = []

    def before(*_: object) -> None:
        started.append(watch.flops)

    def after(
        module: nn.Module, inputs: tuple[object, ...], named: Mapping[str, object], output: object
    ) -> None:
        flops, first = watch.flops - started.pop(), next(tensors(output), None)
        read = [tuple(tensor.shape) for tensor in tensors((inputs, named))]
        known = macs(module, read, tuple(first.shape)) if first is not None else 0
        call = _Call(type(module).__name__, module, macs=known or flops // 2)
        watch.add(name, call, output, flops)

    yield leaf.register_forward_pre_hook(before)
    yield leaf.register_forward_hook(after, with_kwargs=True)


@contextlib.contextmanager
def _no_fast_path() -> Iterator[None]:
    """Keep PyTorch from computing a transformer's layers in one kernel, past its modules."""
    enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(enabled)


def _specs(inputs: Sequence[TensorSpec] | tuple[int, ...]) -> list[TensorSpec]:
    """The inputs; a shape alone is that of a single float32 input."""
    specs = [spec for spec in inputs if isinstance(spec, TensorSpec)]
    shape = tuple(size for size in inputs if isinstance(size, int))
    return specs or [TensorSpec(name="input", shape=shape)]


def _zeros(model: nn.Module, spec: TensorSpec, batch: int) -> Tensor:
    """Zeros, [batch, *spec.shape], where the model's weights are: right for indices as well."""
    weights = next(model.parameters(), None)
    zeros = torch.from_numpy(spec.zeros(batch))
    return zeros if weights is None else zeros.to(weights.device)


def _leaves(module: nn.Module, name: str = "") -> Iterator[tuple[nn.Module, str]]:
    """Leaf modules with their names; one that multiplies is a leaf whatever it contains.

    PyTorch reads the weights of attention's parts itself, and a parametrized layer's. The checks
    that torch.export adds to a program are none.
    """
    if type(module).__module__.startswith("torch.export."):
        return
    if isinstance(module, MULTIPLYING) or not any(module.children()):
        yield module, name
        return
    for part, child in module.named_children():
        yield from _leaves(child, f"{name}.{part}" if name else part)


def _followers(model: nn.Module) -> dict[str, str]:
    """Multiplying layer -> what ends its chain; none where torch.fx can't trace the model."""
    try:
        traced = chains(model)
    except Exception:  # noqa: BLE001  # tracing runs the model's own code, on proxies
        return {}
    return {layer: after[-1] for layer, *after in traced if after}


def _only_user(node: fx.Node) -> fx.Node | None:
    users = list(node.users)
    return users[0] if len(users) == 1 and users[0].op == "call_module" else None


def _parameters(model: nn.Module, name: str, call: _Call) -> int:
    if call.module is not None:
        return sum(p.numel() for p in call.module.parameters())
    return sum(p.numel() for key, p in model.named_parameters() if key.startswith(f"{name}."))


def _functional(
    model: nn.Module, leaves: Mapping[nn.Module, str], watch: _Watch, batch: int
) -> Iterator[Layer]:
    """The layer of what no leaf module accounts for, where there is anything."""
    inside = {part for leaf in leaves for part in leaf.modules()}
    parameters = sum(
        parameter.numel()
        for module in model.modules()
        if module not in inside
        for parameter in module.parameters(recurse=False)
    )
    multiply_adds = (watch.flops - watch.accounted) // 2 // batch
    if parameters or multiply_adds:
        yield Layer(
            name=FUNCTIONAL,
            kind="functions",
            output_shape=(),
            parameters=parameters,
            macs=multiply_adds,
        )


def _layer(
    name: str, call: _Call, parameters: int, batch: int, follower: nn.Module | None
) -> Layer:
    return Layer(
        name=name,
        kind=call.kind,
        kernel=_sizes(call, "kernel_size"),
        stride=_sizes(call, "stride"),
        activation=type(follower).__name__ if isinstance(follower, ACTIVATIONS) else None,
        output_shape=call.shape,
        parameters=parameters,
        macs=call.macs // batch,
    )


def _sizes(call: _Call, attribute: str) -> tuple[int, ...]:
    """A module's sizes along its axes; one number stands for as many as its class is named for."""
    sizes: int | tuple[int, ...] = getattr(call.module, attribute, ())
    if not isinstance(sizes, int):
        return tuple(sizes)
    axes = {"1d": 1, "3d": 3}.get(call.kind[-2:], 2)
    return (sizes,) * axes
