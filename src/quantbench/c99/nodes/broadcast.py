"""How an operand of one row, column or channel is read where another has many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantbench.c99.ir.code import Code
from quantbench.c99.ir.graph import BYTES, Graph, Shape, Step, Tensors, Values
from quantbench.c99.ir.move import Move


def strides(shape: Shape, output: Shape) -> tuple[int, int, int]:
    """The distances in memory, for an image [H, W, C], of the operand's next row, column, channel.

    0: the output has more of them than the operand, which is read again. Shapes are [C, H, W] or
    [K].
    """
    channels, height, width = _image(shape)
    many = _image(output)
    steps = {"h": width * channels, "w": channels, "c": 1}
    one = {"h": height == 1 < many[1], "w": width == 1 < many[2], "c": channels == 1 < many[0]}
    down, right, deep = (0 if one[axis] else steps[axis] for axis in "hwc")
    return down, right, deep


def sides(output: Shape) -> tuple[int, int, int]:
    """The height, width and channels of an output."""
    channels, height, width = _image(output)
    return height, width, channels


def _image(shape: Shape) -> tuple[int, int, int]:
    channels, height, width = shape if len(shape) == 3 else (shape[0], 1, 1)
    return channels, height, width


@dataclass(frozen=True)
class Broadcast(Move):
    """A tensor repeated along its axes of size 1."""

    name: str
    input: str
    output: str

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.input,)

    def moved(self, graph: Graph, numbers: Tensors, constant: float) -> Values:
        values = numbers[self.input]
        return np.broadcast_to(values, (len(values), *graph.tensors[self.output].shape))

    def emit(self, step: Step) -> Code:
        (source,), output = step.inputs, step.output
        numbers = (*sides(output.shape), *strides(source.shape, output.shape), BYTES[output.type])
        call = f"model_broadcast({source.at}, {output.at}, {', '.join(map(str, numbers))});"
        return Code("", (call,), ("broadcast",))

    def describe(self) -> list[str]:
        return ["broadcast"]
