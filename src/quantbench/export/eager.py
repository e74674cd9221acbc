"""PyTorch's eager-mode quantization, shared by the methods that use it.

torch.ao.quantization is deprecated, but still the API that most published results used. It warns
at each call, hence `silenced`.
"""

from __future__ import annotations

import copy
from itertools import takewhile
from typing import cast

from torch import nn
from torch.ao.quantization import (
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
from quantbench.tasks.layers import TRANSPOSED, calls, chains


def wrapped(model: nn.Module, *, fuse: bool) -> nn.Module:
    """A copy of `model` in eval mode between a quantizing and a dequantizing stub.

    A network with stubs of its own is left between those. `fuse`: also fuse layers with the batch
    norms and activations behind them.
    """
    model = copy.deepcopy(model).eval()
    if fuse and (groups := _fusable(model)):
        model = fuse_modules(model, groups)
    if any(isinstance(module, QuantStub) for module in model.modules()):
        return model
    return QuantWrapper(model).eval()


def float_name(name: str, prepared: nn.Module) -> str:
    """Return the name in the float network of the layer called `name` in `prepared`.

    A fused module contains its layer as "0", and a QuantWrapper the network as "module".
    """
    parent = name.rpartition(".")[0]
    fused = type(prepared.get_submodule(parent)).__module__.startswith("torch.ao.nn.intrinsic")
    inner = parent if fused else name
    return inner.removeprefix("module.") if isinstance(prepared, QuantWrapper) else inner


def set_qconfig(model: nn.Module, qconfig: QConfig) -> None:
    """Set how `model` is quantized; transposed convolutions support no scale per channel."""
    model.qconfig = qconfig  # type: ignore[assignment]
    for module in model.modules():
        if isinstance(module, TRANSPOSED):
            module.qconfig = qconfig._replace(  # type: ignore[assignment]
                weight=default_weight_observer
            )


def passed_over(kind: str) -> str:
    """The reason, as a sentence, why a layer of this kind stays float32."""
    return f"PyTorch's eager quantization passes {kind} over"


def _fusable(model: nn.Module) -> list[list[str]]:
    """The chains of modules that PyTorch can fuse, each cut to what it supports.

    A module that is called elsewhere, too, isn't fused: the other call would lose it.
    """
    modules, uses = dict(model.named_modules()), calls(model)
    found = []
    for chain in chains(model):
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
