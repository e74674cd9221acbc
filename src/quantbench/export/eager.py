"""PyTorch's eager-mode quantization, shared by the methods that use it.

torch.ao.quantization is deprecated, but still the API that most published results used. It warns
at each call, hence `silenced`.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from itertools import takewhile
from typing import Literal, cast

import torch
from pydantic import Field, field_validator
from torch import nn
from torch.ao.quantization import (
    QConfig,
    QuantWrapper,
    convert,
    default_weight_observer,
    fuse_modules,
    get_fuser_method,
)
from torch.ao.quantization.observer import UniformQuantizationObserverBase

from quantbench.contracts import Skeleton
from quantbench.system.machine import environment, has_vnni
from quantbench.system.record import Settings
from quantbench.tasks.layers import TRANSPOSED, calls, chains

Engine = Literal["x86", "fbgemm", "onednn", "qnnpack"]
SEVEN_BIT = frozenset({"x86", "fbgemm"})
"""Engines whose kernels may add two u8 x s8 products in 16 bits: activations get 7 bits."""


@contextlib.contextmanager
def using_engine(name: str) -> Iterator[None]:
    """Set PyTorch's quantized engine to `name` within the context; the former one is restored."""
    before = torch.backends.quantized.engine
    torch.backends.quantized.engine = name
    try:
        yield
    finally:
        torch.backends.quantized.engine = before


def best_engine() -> Engine:
    """The fastest engine that doesn't saturate on this CPU.

    With VNNI, u8 x s8 products are summed in 32 bits, so onednn's full 8-bit activations are
    safe; without it, x86 and fbgemm keep activations to 7 bits.
    """
    preferred: list[Engine] = (
        ["onednn", "x86", "fbgemm", "qnnpack"]
        if has_vnni(environment())
        else ["x86", "fbgemm", "qnnpack", "onednn"]
    )
    return next(name for name in preferred if name in engines())


def engines() -> list[str]:
    """The quantized engines in this build of PyTorch, for this CPU."""
    return [name for name in torch.backends.quantized.supported_engines if name != "none"]


class EagerSettings(Settings):
    """The settings of an eager-mode method. The default engine depends on the CPU."""

    engine: Engine = Field(default_factory=best_engine)

    @field_validator("engine")
    @classmethod
    def _is_here(cls, name: str) -> str:
        if name not in engines():
            raise ValueError(f"'{name}' isn't in this build of PyTorch: {', '.join(engines())}")
        return name


def wrapped(model: nn.Module, *, fuse: bool) -> nn.Module:
    """A copy of `model` in eval mode between a quantizing and a dequantizing stub.

    `fuse`: also fuse layers with the batch norms and activations behind them.
    """
    model = copy.deepcopy(model).eval()
    if fuse and (groups := _fusable(model)):
        model = fuse_modules(model, groups)
    return QuantWrapper(model).eval()


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
