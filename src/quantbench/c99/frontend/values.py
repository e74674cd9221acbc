"""The values that tensors of the ONNX network have while its nodes are imported in order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.frontend.builder import Deferred, TensorRef
from quantbench.c99.frontend.formats import Format
from quantbench.c99.ir.graph import Final, Shape, Type
from quantbench.numerics.fixed_point import Integers

Factors = NDArray[np.int16 | np.float32]
"""Weights: integers of a quantized network, else float32."""


@dataclass(frozen=True, eq=False)
class Constant:
    """A constant of the network, as an array in its stored type."""

    array: NDArray[np.generic]


@dataclass(frozen=True, eq=False)
class Weights:
    """The constant scale * values.

    `values` are a dequantized constant's integers without their zero point, or, with the scale 1,
    float32.
    """

    values: Factors
    scale: NDArray[np.float32]
    """[n]: one, or one for each index of `axis`."""
    axis: int | None


@dataclass(frozen=True, eq=False)
class Int32Constant:
    """A dequantized int32 constant: a bias."""

    values: Integers
    scale: NDArray[np.float32]
    """[n], of its last axis, or one."""


@dataclass(frozen=True)
class GraphInput:
    """The network's input before it is quantized, seen in `shape`.

    `type`: that of its integers; None where it is float32.
    """

    name: str
    shape: Shape
    type: Type | None = None


@dataclass(frozen=True)
class Quantized:
    """The integers of a tensor."""

    ref: TensorRef
    format: Format

    @property
    def shape(self) -> Shape:
        """The shape in which the tensor is seen, without the batch."""
        return self.ref.shape


@dataclass(frozen=True)
class ElidedQuantize:
    """The output of a QuantizeLinear that is left out, as the layers around it are fused."""

    deferred: Deferred


@dataclass(frozen=True)
class Probabilities:
    """The result of a Softmax, Sigmoid or ArgMax at the end of the network.

    `source`: the name of the tensor that it reads. `format`: that to which the file rounds
    the result; None if to none. `integers`: the value is the rounded integers, not real numbers.
    """

    of: TensorRef | Deferred
    source: str
    final: Final = "softmax"
    format: Format | None = None
    integers: bool = False
    keeps_axis: bool = False
    """Whether an ArgMax leaves the axis of the classes, with the size 1."""


@dataclass(frozen=True)
class Several:
    """The outputs of a node that has more than one, in order."""

    values: tuple[Value, ...]


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
    | Several
)
