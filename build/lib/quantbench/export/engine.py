"""PyTorch's quantized engine: the library of kernels that its int8 layers run on.

Apart from eager.py, which needs torch.ao: reading a float32 state_dict doesn't.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Literal

import torch
from pydantic import Field, field_validator

from quantbench.system.machine import environment, has_vnni
from quantbench.system.record import Settings

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
