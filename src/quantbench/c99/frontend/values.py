"""The values that tensors of the ONNX network have while its nodes are imported in order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.frontend.builder import Deferred, TensorRef
from quantbench.c99.frontend.formats import Format
from quantbench.c99.ir.graph import Shape, Type
from quantbench.numerics.fixed_point import Integers

Factors = NDArray[np.int16 | np.float32]
"""Weights: integers of a quantized network, else float32."""


@dataclass(frozen=True, eq=False)
class Constant:
    array: NDArray[np.generic]


@dataclass(frozen=True, eq=False)
class Weights:
    """The constant scale * values: one behind DequantizeLinear, the zero point taken off, or,
    with the scale 1, one of float32.
    """

    values: Factors
    scale: NDArray[np.float32]
    """[n]: one, or one for each index of `axis`."""
    axis: int | None


@dataclass(frozen=True, eq=False)
class Int32Constant:
    """A constant of 32 bits behind DequantizeLinear: a bias."""

    values: Integers
    scale: NDArray[np.float32]
    """[n], of its last axis, or one."""


@dataclass(frozen=True)
class GraphInput:
    """The network's input before it is quantized, seen in `shape`. `type`: of its integers, None
    where it is float32.
    """

    shape: Shape
    type: Type | None = None


@dataclass(frozen=True)
class Quantized:
    """The integers of a tensor."""

    ref: TensorRef
    format: Format

    @property
    def shape(self) -> Shape:
        return self.ref.shape


@dataclass(frozen=True)
class ElidedQuantize:
    """The output of a QuantizeLinear that is left out, because what follows is fused."""

    deferred: Deferred


@dataclass(frozen=True)
class Probabilities:
    """A Softmax at the end; `source` is the name of what it reads. `format`: to which the file
    rounds its result, if to any; `integers`: whether these are meant.
    """

    of: TensorRef | Deferred
    source: str
    format: Format | None = None
    integers: bool = False


Value = (
    Constant
    | Weights
    | Int32Constant
    | GraphInput
    | TensorRef
    | Quantized
    | Deferred
    | ElidedQuantize
    | Probabilities
)
