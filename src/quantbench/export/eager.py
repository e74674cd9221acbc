"""PyTorch's eager-mode quantization, shared by the methods that use it.

torch.ao.quantization is deprecated, but still the API that most published results used. It warns
at each call, hence `silenced`.
"""

from __future__ import annotations

import contextlib
import copy
import io
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import takewhile
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.ao.quantization import (
    DeQuantStub,
    QConfig,
    QuantStub,
    QuantWrapper,
    convert,
    default_weight_observer,
    fuse_modules,
    get_fuser_method,
)
from torch.ao.quantization.observer import UniformQuantizationObserverBase

from quantbench.contracts import Skeleton
from quantbench.errors import QuantbenchError, UnavailableError, cause
from quantbench.export.calibration import Batches
from quantbench.export.leave_float import is_left
from quantbench.export.quantized_modules import is_quantized
from quantbench.export.refusal import failing_layer
from quantbench.system.silence import silenced
from quantbench.tasks.layers import TRANSPOSED, chains_and_calls

Scope = Literal["network", "layers"]
"""The part between a quantizing and a dequantizing stub: the whole network, or each layer."""
_SCOPES: tuple[Scope, ...] = ("network", "layers")
_LAYERS = (
    nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.Linear,
)  # fmt: skip
"""Layers that are quantized by themselves; a subclass may compute something else."""
_FUSED = "torch.ao.nn.intrinsic"


class FloatIsland(nn.Module):
    """A layer that stays float among layers that pass integers on."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.dequant = DeQuantStub()
        self.module = layer
        self.quant = QuantStub()

    def forward(self, inputs: Tensor) -> Tensor:
        """Dequantize [N, ...], compute the layer, and quantize what it gives."""
        return cast(Tensor, self.quant(self.module(self.dequant(inputs))))


def wrapped(
    model: nn.Module, *, fuse: bool, scope: Scope = "network", leave_float: Iterable[str] = ()
) -> nn.Module:
    """A copy of `model` in eval mode, `scope` of it between quantizing and dequantizing stubs.

    A network with stubs of its own is left between those. `fuse`: also fuse layers with the batch
    norms and activations behind them. `leave_float`: names of layers that stay float, or patterns
    of them.
    """
    model = copy.deepcopy(model).eval()
    if fuse and (groups := _fusable(model)):
        model = fuse_modules(model, groups)
    patterns = tuple(leave_float)
    if scope == "network":
        for name, layer in _single_layers(model):
            if is_left(name, patterns):
                _replace(model, name, FloatIsland(layer))
        return model if _has_stubs(model) else QuantWrapper(model).eval()
    for name, layer in _single_layers(model):
        if not is_left(name, patterns):
            _replace(model, name, QuantWrapper(layer))
    return model.eval()


def _replace(model: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, attribute = name.rpartition(".")
    setattr(model.get_submodule(parent), attribute, module.eval())


def _single_layers(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """The layers that are quantized by themselves, by each name that they have."""

    def visit(module: nn.Module, prefix: str) -> Iterator[tuple[str, nn.Module]]:
        for name, child in module.named_children():
            if type(child) in _LAYERS or type(child).__module__.startswith(_FUSED):
                yield prefix + name, child
            elif not isinstance(child, nn.MultiheadAttention):  # it reads its layers' weights
                yield from visit(child, f"{prefix}{name}.")

    return [*visit(model, "")]


def scope_of(stored: Collection[str]) -> Scope:
    """The way in which the network was wrapped whose state has these names.

    A wrapped layer has a scale for its input, "fc.quant.scale", beside "fc.module.scale".
    """
    ends = (".quant.scale", ".module.scale")
    inputs, outputs = ({n.removesuffix(e) for n in stored if n.endswith(e)} for e in ends)
    return "layers" if inputs & outputs else "network"


def scope_that_works(
    convert_one: Callable[[Scope], nn.Module], batches: Batches
) -> tuple[Scope, tuple[str, ...]]:
    """The largest scope whose converted network runs on `batches`, and a note where it's "layers".

    `convert_one` calibrates and converts the network wrapped in a scope. Functions between layers,
    such as an addition, have no quantized form in eager mode, which shows when they run. Raises
    UnavailableError where neither works.
    """
    failures: list[str] = []
    for scope in _SCOPES:
        try:
            module = convert_one(scope)
            with contextlib.redirect_stderr(io.StringIO()):  # torch.fx prints what a call raises
                _run(module, batches)
        except QuantbenchError:
            raise
        except Exception as error:  # noqa: BLE001 - a network's own code may raise anything
            failures.append(cause(error).partition(". ")[0])  # the rest is advice on PyTorch
        else:
            require_quantized(module)
            return scope, tuple(map(_by_layers, failures))
    raise UnavailableError(f"PyTorch's eager quantization can't run the network: {failures[-1]}")


def _by_layers(failure: str) -> str:
    return (
        "each layer is quantized by itself, with float32 between them: quantized as a whole, "
        f"the network raises {failure}"
    )


def require_quantized(model: nn.Module) -> None:
    """Raise UnavailableError where no layer of a converted network is quantized."""
    if not any(is_quantized(module) for module in model.modules()):
        raise UnavailableError(
            "nothing to quantize: the network has no layer that PyTorch's eager quantization "
            "replaces"
        )


def require_runs(model: nn.Module, batches: Batches) -> None:
    """Raise UnavailableError, which names the layer, where a converted network doesn't run."""
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # torch.fx prints what a call raises
            _run(model, batches)
    except Exception as error:  # a network's own code may raise anything
        where = failing_layer(model, lambda: _run(model, batches))
        raise UnavailableError(
            f"PyTorch's eager quantization can't run the network{where}: {cause(error)}"
        ) from error


def _run(model: nn.Module, batches: Batches) -> None:
    with silenced(), torch.inference_mode():
        for inputs in batches.tensors():
            model(*inputs)


def _has_stubs(model: nn.Module) -> bool:
    return any(isinstance(module, QuantStub) for module in model.modules())


def float_name(name: str, prepared: nn.Module) -> str:
    """Return the name in the float network of the layer called `name` in `prepared`.

    A fused module contains its layer as "0", and a QuantWrapper what it wraps as "module".
    """
    parent = name.rpartition(".")[0]
    fused = type(prepared.get_submodule(parent)).__module__.startswith(_FUSED)
    inner = (parent if fused else name).removesuffix(".module")
    return inner.removeprefix("module.") if isinstance(prepared, QuantWrapper) else inner


def set_qconfig(
    model: nn.Module,
    qconfig: QConfig,
    scope: Scope = "network",
    leave_float: Iterable[str] = (),
) -> None:
    """Set how the wrapped parts of `model` are quantized, but for the layers of `leave_float`.

    Transposed convolutions support no scale per channel.
    """
    wrappers = (module for module in model.modules() if isinstance(module, QuantWrapper))
    for part in [model] if scope == "network" else wrappers:
        part.qconfig = qconfig  # type: ignore[assignment]
    for module in model.modules():
        if isinstance(module, TRANSPOSED):
            module.qconfig = qconfig._replace(  # type: ignore[assignment]
                weight=default_weight_observer
            )
    patterns = tuple(leave_float)
    for name, module in model.named_modules():
        if isinstance(module, FloatIsland):
            module.module.qconfig = None  # type: ignore[assignment]
        elif is_left(name.removeprefix("module."), patterns):
            module.qconfig = None


def passed_over(kind: str) -> str:
    """The reason, as a sentence, why a layer of this kind stays float32."""
    return f"PyTorch's eager quantization passes {kind} over"


def _fusable(model: nn.Module) -> list[list[str]]:
    """The chains of modules that PyTorch can fuse, each cut to what it supports.

    A module that is called elsewhere, too, isn't fused: the other call would lose it.
    """
    traced, uses = chains_and_calls(model)
    modules = dict(model.named_modules())
    found = []
    for chain in traced:
        alone = list(takewhile(lambda name: uses[modules[name]] == 1, chain))
        kinds = [type(modules[name]) for name in alone]
        while len(kinds) > 1 and not _has_fuser(tuple(kinds)):
            kinds.pop()
        if len(kinds) > 1:
            found.append(alone[: len(kinds)])
    return found


def _has_fuser(kinds: tuple[type[nn.Module], ...]) -> bool:
    try:
        get_fuser_method(kinds)
    except AssertionError:  # raised where there is no fuser
        return False
    return True


def converted(prepared: nn.Module) -> Skeleton:
    """Replace observers by quantized modules, and keep the ranges that the observers had."""
    ranges = {
        name: (observer.quant_min, observer.quant_max)
        for name, observer in prepared.named_modules()
        if isinstance(observer, UniformQuantizationObserverBase)
    }
    return Skeleton(cast(nn.Module, convert(prepared)), ranges)
