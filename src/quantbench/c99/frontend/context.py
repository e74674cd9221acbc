"""The state of an import: the value of each tensor, and the nodes that read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import cast

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.frontend.builder import (
    Builder,
    Deferred,
    IdentityExpr,
    InputExpr,
    TensorRef,
)
from quantbench.c99.frontend.formats import FLOAT32, Format
from quantbench.c99.frontend.reader import Network, NetworkInput, OnnxNode, array, shown
from quantbench.c99.frontend.values import (
    Constant,
    ElidedQuantize,
    GraphInput,
    Int32Constant,
    Probabilities,
    Quantized,
    Value,
    Weights,
)
from quantbench.c99.ir.graph import Shape, image_shape
from quantbench.errors import CompileError
from quantbench.numerics.fixed_point import exact

BATCH = -(2**40)
"""The number that Shape gives for an open batch: no size, so nothing computes with it."""
_NEAR = Fraction(1, 2**21)
"""Two roundings to float32 lie between a bias's scale and the product of the others."""


@dataclass(frozen=True)
class Placed:
    """The tensor that a QuantizeLinear produced.

    `new`: a node was added for it; otherwise its input held the integers already.
    """

    ref: TensorRef
    new: bool


class Context:
    """The interface of an import to an operator's `from_onnx`.

    `inputs`: the tensor of each input, by the input's name, once it is quantized. `placed`: tensors
    that were quantized already, by the name of the rounded tensor and the format.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.builder = Builder(None if network.quantized else FLOAT32)
        self.inputs: dict[str, str] = {}
        self.placed: dict[tuple[str, Format], Placed] = {}
        self.values: dict[str, Value] = {each.name: self._input(each) for each in network.inputs}
        self._settled: dict[str, TensorRef] = {}
        self._readers: dict[str, list[OnnxNode]] = {}
        self._producers = {name: node for node in network.nodes for name in node.outputs}
        for node in network.nodes:
            for name in node.inputs:
                self._readers.setdefault(name, []).append(node)

    def _input(self, given: NetworkInput) -> Value:
        if self.network.quantized:
            return GraphInput(given.name, given.shape, given.type)
        tensor = self.builder.add(given.name, given.shape, FLOAT32)
        self.inputs[given.name] = tensor
        return TensorRef(tensor, given.shape)

    def hold(self, name: str, value: Value) -> None:
        """Store the value of a node's output.

        In float32, a value that several nodes read is computed once, here; all others wait for
        operators that can be fused.
        """
        if self.builder.held and isinstance(value, Deferred) and self.reader(name) is None:
            value = self.builder.settled(value) or value
        self.values[name] = value

    def reader(self, name: str) -> OnnxNode | None:
        """The one node that reads a tensor; None where there are more, or it is the output."""
        readers = self._readers.get(name, [])
        return readers[0] if len(readers) == 1 and name not in self.network.outputs else None

    def producer(self, name: str) -> OnnxNode | None:
        """The node that gives a tensor; None for inputs and stored constants."""
        return self._producers.get(name)

    def follower(self, node: OnnxNode) -> OnnxNode | None:
        """The node behind the pairs that quantize a node's output; None at the network's end."""
        name = node.outputs[0]
        reader = self.reader(name)
        while reader is not None and reader.op in ("QuantizeLinear", "DequantizeLinear"):
            name = reader.outputs[0]
            reader = self.reader(name)
        return None if name in self.network.outputs else reader or node

    def value(self, node: OnnxNode, at: int) -> Value | None:
        """The value of the node's input number `at`, from 0; None for an omitted input."""
        name = node.inputs[at] if at < len(node.inputs) else ""
        if not name:
            return None
        if name not in self.values and name in self.network.tensors:
            self.values[name] = Constant(array(self.network.tensors[name], node.where))
        if name not in self.values:
            raise CompileError(f"{node.where}: its input {at + 1} is a second output, unsupported")
        return self.values[name]

    def constant(self, node: OnnxNode, at: int) -> NDArray[np.generic] | None:
        """The array of a constant input; None where it is omitted.

        Raises CompileError for others.
        """
        value = self.value(node, at)
        if value is None:
            return None
        if isinstance(value, Constant):
            return value.array
        raise CompileError(f"{node.where}: its input {at + 1} is supported as a constant only")

    def wholes(self, node: OnnxNode, at: int) -> tuple[int, ...] | None:
        """A constant int64 vector, such as axes or a shape; None where it is omitted.

        Raises CompileError for another type, more than one dimension or more than 16 numbers.
        """
        numbers = self.constant(node, at)
        if numbers is None:
            return None
        if numbers.dtype != np.int64 or numbers.ndim > 1 or numbers.size > 16:
            raise CompileError(f"{node.where}: its input {at + 1} is supported as int64 [n] only")
        return tuple(int(number) for number in numbers.reshape(-1).tolist())

    def number(self, node: OnnxNode, at: int) -> float | None:
        """A constant float32 scalar, stored as such or dequantized; None where it is omitted.

        Raises CompileError for others.
        """
        value = self.value(node, at)
        if isinstance(value, Weights | Int32Constant):
            array_: NDArray[np.generic] | None = value.values.astype(np.float32) * value.scale
        else:
            array_ = self.constant(node, at)
        if array_ is None:
            return None
        if array_.dtype != np.float32 or array_.size != 1:
            raise CompileError(f"{node.where}: its input {at + 1} is supported as one float32 only")
        return float(array_.reshape(-1)[0])

    def activation(self, node: OnnxNode, at: int) -> TensorRef | Deferred:
        """An input that depends on the network's input, as a tensor or expression of real numbers.

        Raises CompileError for constants, for integers and for the result of a Softmax.
        """
        match self.value(node, at):
            case TensorRef() | Deferred() as activation:
                return activation
            case GraphInput(type=None):
                why = "it reads the input as float32; one that a QuantizeLinear rounds is supported"
            case Quantized() | ElidedQuantize() | GraphInput():
                why = "it reads integers; a DequantizeLinear before it is supported"
            case Probabilities(final=final):
                why = f"it follows {final.capitalize()}, which is supported at the end only"
            case _:
                why = f"its input {at + 1} is a constant, where only activations are supported"
        raise CompileError(f"{node.where}: {why}")

    def to_be_moved(self, node: OnnxNode, at: int) -> TensorRef | Deferred:
        """An activation, or the input before it is rounded: for steps that rounding doesn't see."""
        value = self.value(node, at)
        if not isinstance(value, GraphInput) or value.type is not None:
            return self.activation(node, at)
        shapes = {given.name: given.shape for given in self.network.inputs}
        core = InputExpr(node.where, value.name, shapes[value.name], self.inputs)
        return Deferred(core, value.shape)

    def moved(self, node: OnnxNode, at: int) -> TensorRef | Deferred | GraphInput | Quantized:
        """An activation, its integers, or the unquantized input, for operators that move values."""
        value = self.value(node, at)
        if isinstance(value, Quantized) and self.builder.tensors[value.ref.tensor].raised:
            raise CompileError(
                f"{node.where}: it moves integers that have a zero point for each channel; "
                "behind a DequantizeLinear it is supported"
            )
        return value if isinstance(value, GraphInput | Quantized) else self.activation(node, at)

    def settled(self, node: OnnxNode, at: int, *, words: bool = False) -> TensorRef:
        """The tensor of an input that needs no rounding.

        `words`: it may be of 32 bits, where nothing rounds the value. Raises CompileError where it
        isn't quantized.
        """
        name = node.inputs[at]
        value = self.activation(node, at)
        if name not in self._settled:
            ref = self.builder.settled(value)
            if ref is None and words and isinstance(value, Deferred):
                ref = self._widened(name, value)
            if ref is None:
                raise self._not_quantized(node, at, value)
            self._settled[name] = ref
        ref = self._settled[name]
        if not words and self.builder.tensors[ref.tensor].type == "int32":
            raise self._not_quantized(node, at, value)
        return ref

    def _widened(self, name: str, value: Deferred) -> TensorRef | None:
        """The tensor of 32 bits that every later reader of the value reads."""
        ref = self.builder.widened(shown(name), value)
        if ref is not None:
            self.builder.originates(ref.tensor, name, value.shape, value.slack)
            held = self.builder.tensors[ref.tensor].shape
            self.values[name] = Deferred(
                IdentityExpr(value.core.where, ref.tensor, held), ref.shape
            )
        return ref

    def _not_quantized(self, node: OnnxNode, at: int, value: TensorRef | Deferred) -> CompileError:
        maker = value.core.where if isinstance(value, Deferred) else node.inputs[at]
        return CompileError(
            f"{node.where}: its input, from {maker}, isn't quantized; int8 and uint8 "
            "between QuantizeLinear and DequantizeLinear are supported"
        )

    def image(
        self, node: OnnxNode, at: int, *, words: bool = False
    ) -> tuple[str, tuple[int, int, int]]:
        """The tensor of an input, and its sizes C, H, W. Raises CompileError for another rank.

        `words`: see `settled`.
        """
        return self.as_image(node, self.settled(node, at, words=words))

    def as_image(self, node: OnnxNode, ref: TensorRef) -> tuple[str, tuple[int, int, int]]:
        """A tensor as layers see it, and its sizes C, H, W. Raises CompileError for others."""
        return self.builder.seen(ref), channels_and_image(node, ref.shape)

    def layer_input(self, node: OnnxNode, *, weights: int = 1) -> TensorRef:
        """The tensor that a layer reads.

        Where neither its first input nor its weights are quantized it is one of 32 bits.
        """
        value = self.value(node, weights)
        real = isinstance(value, Constant) and value.array.dtype == np.float32
        ref = self.settled(node, 0, words=real and self.network.quantized)
        if not self.is_wide(ref.tensor):
            return ref
        return replace(ref, tensor=self.builder.fine(node.where, ref.tensor))

    def is_wide(self, tensor: str) -> bool:
        """Whether a tensor is of 32 bits."""
        return self.builder.tensors[tensor].type == "int32"

    def factors(self, node: OnnxNode, at: int, *, real: bool = False) -> Weights:
        """An input as weights of any shape: dequantized constants, or float32 in a float32 network.

        `real`: float32 in any network. Raises CompileError for others.
        """
        if self.network.quantized and not real:
            value = self.value(node, at)
            if isinstance(value, Weights):
                return value
            raise CompileError(
                f"{node.where}: its weights aren't quantized; constants of int8 or uint8 behind a "
                "DequantizeLinear are supported"
            )
        reals = self.constant(node, at)
        if reals is None or reals.dtype != np.float32:
            raise CompileError(
                f"{node.where}: its weights are supported as a constant of float32 only"
            )
        if not np.isfinite(reals).all():
            raise CompileError(f"{node.where}: its weights aren't finite")
        return Weights(cast(NDArray[np.float32], reals), np.ones(1, np.float32), None)

    def weights(self, node: OnnxNode, at: int, rank: int, axis: int, input: TensorRef) -> Weights:
        """Weights of `rank` dimensions, with one scale or one for each index of `axis`.

        `axis` is that of the output channels, `input` the other factor: one of 32 bits may have
        weights of float32. Raises CompileError for others.
        """
        weights = self.factors(node, at, real=self.is_wide(input.tensor))
        if weights.values.ndim != rank or not weights.values.size:
            raise CompileError(
                f"{node.where}: its weights have the shape {weights.values.shape}; {rank} "
                "dimensions are supported"
            )
        if weights.axis not in (None, axis):
            raise CompileError(
                f"{node.where}: its weights have a scale for each index of axis {weights.axis}; "
                f"one for each of axis {axis}, the output channels, or one for all is supported"
            )
        return weights

    def addends(
        self, node: OnnxNode, at: int, scales: tuple[Fraction, ...], shape: Shape
    ) -> tuple[Fraction, ...]:
        """A bias, one number for each output channel, in units of the accumulator.

        `scales`: the accumulator's, by channel; `shape`: the output's. Raises CompileError.
        """
        value = self.value(node, at)
        if value is None:
            return (Fraction(0),) * len(scales)
        if isinstance(value, Constant) and value.array.dtype == np.float32:
            flat = _by_channel(node, value.array, shape)
            if not np.isfinite(flat).all():
                raise CompileError(f"{node.where}: its bias isn't finite")
            reals = (exact(float(number)) for number in flat)
            return tuple(real / scale for real, scale in zip(reals, scales, strict=True))
        if isinstance(value, Weights | Int32Constant):
            whole = _by_channel(node, value.values, shape).tolist()
            return tuple(_stored(whole, value.scale, scales))
        raise CompileError(
            f"{node.where}: its bias is supported as a constant, float32 or behind a "
            "DequantizeLinear"
        )


def channels_and_image(node: OnnxNode, shape: Shape) -> tuple[int, int, int]:
    """The sizes C, H, W of an input [C, H, W]; [C, L] has one row.

    Raises CompileError for another rank.
    """
    if len(shape) not in (2, 3):
        raise CompileError(
            f"{node.where}: its input is {[*shape]}; [C, H, W] and [C, L] are supported"
        )
    channels, height, width = image_shape(shape)
    return channels, height, width


def signal_or_image(shape: Shape, like: Shape) -> Shape:
    """The image [C, H, W] as the file has it: [C, W] where `like`, its input, is a signal."""
    return (shape[0], shape[2]) if len(like) == 2 else shape


def _stored(
    whole: list[int], steps: NDArray[np.float32], scales: tuple[Fraction, ...]
) -> Iterator[Fraction]:
    """Biases in units of the accumulator.

    Where the bias's scale is the accumulator's but for the rounding to float32, the stored integers
    are taken unchanged.
    """
    by_channel = np.broadcast_to(steps, len(scales)).tolist()
    for integer, step, scale in zip(whole, by_channel, scales, strict=True):
        ratio = exact(step) / scale
        yield Fraction(integer) if abs(ratio - 1) <= _NEAR else integer * ratio


def _by_channel(node: OnnxNode, values: NDArray[np.generic], shape: Shape) -> NDArray[np.generic]:
    """The bias as [O]. Raises CompileError unless it differs by output channel only."""
    channels = (shape[0], *[1] * (len(shape) - 1))
    fits = values.size == 1 or values.shape in (channels, (1, *channels))
    if node.op in ("Conv", "ConvTranspose"):
        fits = values.shape == shape[:1]
    if not fits:
        raise CompileError(
            f"{node.where}: its bias has the shape {values.shape}, which isn't one number for each "
            f"of {shape[0]} channels"
        )
    return np.broadcast_to(values.reshape(-1), shape[0])
