"""What PyTorch's eager-mode quantization methods share.

torch.ao.quantization is deprecated but still the API that most published results used. It says so
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
    before = torch.backends.quantized.engine
    torch.backends.quantized.engine = name
    try:
        yield
    finally:
        torch.backends.quantized.engine = before


def best_engine() -> Engine:
    """What this CPU runs best without saturating.

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
    """Those in this build of PyTorch, for this CPU."""
    return [name for name in torch.backends.quantized.supported_engines if name != "none"]


class EagerSettings(Settings):
    """The default engine is chosen from what the CPU has."""

    engine: Engine = Field(default_factory=best_engine)

    @field_validator("engine")
    @classmethod
    def _is_here(cls, name: str) -> str:
        if name not in engines():
            raise ValueError(f"'{name}' isn't in this build of PyTorch: {', '.join(engines())}")
        return name


def wrapped(model: nn.Module, *, fuse: bool) -> nn.Module:
    """A copy in eval mode between a quantizing and a dequantizing stub."""
    model = copy.deepcopy(model).eval()
    if fuse and (groups := _fusable(model)):
        model = fuse_modules(model, groups)
    return QuantWrapper(model).eval()


def set_qconfig(model: nn.Module, qconfig: QConfig) -> None:
    """Have `model` quantized by `qconfig`; transposed convolutions know no scale per channel."""
    model.qconfig = qconfig  # type: ignore[assignment]
    for module in model.modules():
        if isinstance(module, TRANSPOSED):
            module.qconfig = qconfig._replace(  # type: ignore[assignment]
                weight=default_weight_observer
            )


def passed_over(kind: str) -> str:
    return f"PyTorch's eager quantization passes {kind} over"


def _fusable(model: nn.Module) -> list[list[str]]:
    """The chains, each cut to what PyTorch can fuse.

    A module that is called elsewhere, too, isn't fused: it would be lost there.
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
    except AssertionError:  # how it says no
        return False
    return True


def converted(prepared: nn.Module) -> Skeleton:
    """Observers replaced by quantized modules. The observers' ranges stay known."""
    ranges = {
        name: (observer.quant_min, observer.quant_max)
        for name, observer in prepared.named_modules()
        if isinstance(observer, UniformQuantizationObserverBase)
    }
    return Skeleton(cast(nn.Module, convert(prepared)), ranges)
