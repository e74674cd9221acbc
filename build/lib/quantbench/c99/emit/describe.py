"""Describe layers in the words of their user: for comments and for the table of layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from quantbench.c99.emit.namespace import comment
from quantbench.c99.ir.graph import Place, Pooling, Requantization, Step, Window


@dataclass(frozen=True)
class Description:
    """One layer: its name in the network, `1x32x32 -> 6x14x14`, its operation, its formats."""

    label: str
    shapes: str
    operation: str
    numbers: str

    @property
    def sentence(self) -> str:
        """The layer in one line, for its comment: name, shapes and operation."""
        return f"{self.label}: {self.shapes}, {self.operation}"


def describe(step: Step, labels: Mapping[str, str]) -> Description:
    """Describe one step.

    `labels`: the layers' names in the user's network, by the name of the ONNX node.
    """
    label = comment(labels.get(step.work.name) or step.work.name.partition(" (")[0])
    inputs = " + ".join(_shape(place) for place in step.inputs)
    shapes = f"{inputs} -> {_shape(step.output)}"
    return Description(label, shapes, ", ".join(step.work.describe()), _numbers(step))


def _shape(place: Place) -> str:
    return "x".join(map(str, place.shape))


def _numbers(step: Step) -> str:
    """The formats of input, weights and output: `uint8 x int8 -> uint8`."""
    inputs: str = step.inputs[0].type
    if step.work.weight_type is not None:
        inputs += f" x {step.work.weight_type}"
    return inputs if inputs == step.output.type else f"{inputs} -> {step.output.type}"


def window_words(window: Window, name: str) -> str:
    """Words such as `3x3 conv stride 2 pad 1`."""
    words = f"{_by(window.kernel)} {name}"
    if window.strides != (1, 1):
        words += f" stride {_side(window.strides)}"
    if any(window.pads):
        words += f" pad {pads_words(window.pads)}"
    if window.dilations != (1, 1):
        words += f" dilation {_side(window.dilations)}"
    return words


def pooling_words(pooling: Pooling | None) -> list[str]:
    """Words for the pooling fused behind a convolution, such as `2x2 max pool`; [] for none."""
    if pooling is None:
        return []
    words = f"{_by(pooling.window.kernel)} {pooling.kind} pool"
    if pooling.window.strides != pooling.window.kernel:
        words += f" stride {_side(pooling.window.strides)}"
    return [words]


def pads_words(pads: tuple[int, int, int, int]) -> str:
    """One number where all pads are equal, else `top,left,bottom,right`."""
    return str(pads[0]) if len(set(pads)) == 1 else ",".join(map(str, pads))


def limits_words(low: float | None, high: float | None) -> list[str]:
    """The name of the float32 activation with these limits; [] for none."""
    if low == 0:
        return ["ReLU" if high is None else f"ReLU up to {high:g}"]
    return [] if low is None and high is None else ["clip"]


def cuts_at_zero(requantize: Requantization | None) -> bool:
    """Whether the range of the output's integers begins at the one that stands for 0: a ReLU."""
    return requantize is not None and requantize.low == requantize.zero_point


def _by(sides: tuple[int, int]) -> str:
    return f"{sides[0]}x{sides[1]}"


def _side(sides: tuple[int, int]) -> str:
    return str(sides[0]) if sides[0] == sides[1] else _by(sides)
