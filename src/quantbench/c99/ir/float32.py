"""The float32 graph: the integer one without scales, its arrays float32.

Tensors, windows, concatenations and reshapes are those of quantbench.c99.ir.graph.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.ir.graph import (
    Concat,
    GraphOf,
    OneInput,
    Pooling,
    Reshape,
    Window,
)


@dataclass(frozen=True)
class Clamp:
    """ReLU and Clip, float32; None: no limit."""

    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, eq=False)
class Conv(OneInput):
    """sum = bias + sum x w; clamp; pool. An average divides once."""

    name: str
    input: str
    output: str
    weights: NDArray[np.float32]
    """[O, I / groups, kh, kw]"""
    bias: NDArray[np.float32]
    """[O]"""
    window: Window
    groups: int
    clamp: Clamp
    pooling: Pooling | None


@dataclass(frozen=True, eq=False)
class Dense(OneInput):
    """As Conv, on a vector: weights [O, I]; an input [C, H, W] is flattened in that order."""

    name: str
    input: str
    output: str
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    clamp: Clamp


@dataclass(frozen=True)
class Pool(OneInput):
    """A pooling by itself. Without `count_pads` an average is of the places inside."""

    name: str
    input: str
    output: str
    kind: Literal["average", "max"]
    window: Window
    count_pads: bool


@dataclass(frozen=True)
class Add:
    name: str
    inputs: tuple[str, str]
    output: str
    clamp: Clamp


@dataclass(frozen=True)
class Activate(OneInput):
    """A clamp by itself."""

    name: str
    input: str
    output: str
    clamp: Clamp


@dataclass(frozen=True)
class Pad(OneInput):
    """`value` around the image."""

    name: str
    input: str
    output: str
    pads: tuple[int, int, int, int]
    value: float


FloatNode = Conv | Dense | Pool | Add | Activate | Concat | Pad | Reshape
FloatGraph = GraphOf[FloatNode]
