"""A frame around an image in which each channel has an integer of its own.

It is the padding of a convolution whose input has a zero point for each channel.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from quantbench.c99.emit.c_syntax import array
from quantbench.c99.emit.describe import pads_words
from quantbench.c99.ir.code import Code
from quantbench.c99.ir.graph import Graph, Step, Tensors, Values
from quantbench.c99.ir.move import Move
from quantbench.c99.ir.patches import padded
from quantbench.c99.ir.rounding import by_channel
from quantbench.numerics.fixed_point import Integers


@dataclass(frozen=True, eq=False)
class Frame(Move):
    """The image [C, H, W] with a frame of `values` [C]; `pads`: top, left, bottom, right."""

    name: str
    input: str
    output: str
    pads: tuple[int, int, int, int]
    values: Integers

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.input,)

    def moved(self, graph: Graph, numbers: Tensors, constant: float) -> Values:
        return padded(numbers[self.input], self.pads, constant)

    def evaluate(self, graph: Graph, values: Tensors) -> Values:
        zeros = by_channel(self.values, 4)
        away = values[self.input] - zeros
        return np.asarray(padded(away, self.pads, 0) + zeros, np.int64)

    def to_uint8(self, graph: Graph) -> Frame:
        return replace(self, values=self.values + graph.tensors[self.output].to_unsigned)

    def emit(self, step: Step) -> Code:
        (source,), name = step.inputs, f"{step.identifier}_pixel"
        numbers = ", ".join(map(str, (*source.shape, *self.pads)))
        call = f"model_frame({name}, {source.at}, {step.output.at}, {numbers});"
        pixel = np.broadcast_to(self.values, source.shape[0])
        return Code(array("uint8_t", name, pixel), (call,), ("frame",), tables=pixel.size)

    def describe(self) -> list[str]:
        return [f"pad {pads_words(self.pads)} by channel"]
