"""A sum of tensors, of which one at least is of 32 bits: each times its factor, rounded once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.emit.c_syntax import array
from quantbench.c99.ir import tolerance
from quantbench.c99.ir.code import Code
from quantbench.c99.ir.error_bounds import UNIT
from quantbench.c99.ir.graph import (
    Graph,
    ImageOrder,
    Laid,
    Node,
    Orders,
    Reals,
    Step,
    Tensors,
    Values,
)
from quantbench.c99.ir.rounding import by_channel, within
from quantbench.c99.ir.wide import half_step, helpers, suffix
from quantbench.numerics.fixed_point import Integers, nearest_shift


@dataclass(frozen=True, eq=False)
class Mix(Node):
    """q = zero point + round(sum of (q_j - Z_j) m_j 2**-shift), half to even, in [low, high].

    There are one or two inputs, of 8 or of 32 bits, of the output's shape. Where there is one, zero
    points may differ by channel.
    """

    name: str
    inputs: tuple[str, ...]
    output: str
    multipliers: tuple[NDArray[np.int64], ...]
    """Of each input: [1], or [C] with one for each channel."""
    shift: int
    zero_point: int
    low: int
    high: int

    @property
    def reads(self) -> tuple[str, ...]:
        return self.inputs

    def evaluate(self, graph: Graph, values: Tensors) -> Values:
        rounded = nearest_shift(np.sum(self._terms(graph, values), axis=0), self.shift)
        raised = np.array(graph.tensors[self.output].raised or (0,), np.int64)
        zero_points = by_channel(self.zero_point + raised, rounded.ndim)
        return within(rounded + zero_points, self.low, self.high)

    def _terms(self, graph: Graph, values: Tensors) -> list[Integers]:
        """The products of each input, of which the sum is below 2**62."""
        return [
            (values[name] - by_channel(graph.tensors[name].zero_points, values[name].ndim))
            * by_channel(m, values[name].ndim)
            for name, m in zip(self.inputs, self.multipliers, strict=True)
        ]

    def float32_error(self, graph: Graph, values: Tensors, errors: Tensors) -> Reals:
        raise ValueError(f"{self.name}: float32 isn't requantized")

    def excess(self, graph: Graph, values: Tensors) -> Reals:
        sizes = sum(np.abs(term).astype(np.float64) for term in self._terms(graph, values))
        relative = 2.0**-self.shift * UNIT * tolerance.EXTRA
        more = tolerance.MARGIN + half_step(graph, self.output)
        return np.asarray(sizes * relative + more, np.float64)

    def carried(self, graph: Graph, values: Tensors, before: Tensors) -> Reals:
        passed = sum(
            before[name] * by_channel(m * 2.0**-self.shift, before[name].ndim)
            for name, m in zip(self.inputs, self.multipliers, strict=True)
        )
        return np.asarray(self.excess(graph, values) + passed, np.float64)

    def to_uint8(self, graph: Graph) -> Mix:
        out = graph.tensors[self.output].to_unsigned
        return replace(
            self, zero_point=self.zero_point + out, low=self.low + out, high=self.high + out
        )

    def layout(self, graph: Graph, orders: Orders, nhwc: ImageOrder) -> Laid:
        """Read and write as images lie; vectors in order, as multipliers may be by channel."""
        order = nhwc(graph.tensors[self.output].shape)
        return Laid(self, (order,) * len(orders), order)

    def emit(self, step: Step) -> Code:
        if any(place.raised for place in (*step.inputs, step.output)):
            return self._centred(step)
        name, output = f"{step.identifier}_m", step.output
        tables, rows, begin = [], [], 0
        for place, m in zip(step.inputs, self.multipliers, strict=True):
            rows.append((place.at, f"{name} + {begin}", int(len(m) > 1), place.zero_point))
            tables.append(m)
            begin += len(m)
        channels = output.shape[0]
        kernel = "mix_" + "".join(suffix(place.type) for place in (*step.inputs, output))
        numbers = (
            *(number for row in rows for number in row), output.at, output.size // channels,
            channels, self.shift, self.zero_point, self.low, self.high,
        )  # fmt: skip
        call = f"model_{kernel}({', '.join(map(str, numbers))});"
        constants = array("int64_t", name, np.concatenate(tables))
        return Code(constants, (call,), (*helpers(step.inputs, output), kernel), tables=8 * begin)

    def _centred(self, step: Step) -> Code:
        """The C of one input where it or the output has a zero point for each channel."""
        (source,), output, (m,) = step.inputs, step.output, self.multipliers
        channels, name = output.shape[0], f"{step.identifier}_m"
        zeros = [
            np.broadcast_to(zero + np.array(place.raised or (0,), np.int64), channels)
            for zero, place in ((source.zero_point, source), (self.zero_point, output))
        ]
        kernel = f"centre_{suffix(source.type)}{suffix(output.type)}"
        numbers = (
            source.at, name, int(len(m) > 1), f"{step.identifier}_zeros", output.at,
            output.size // channels, channels, self.shift, self.low, self.high,
        )  # fmt: skip
        call = f"model_{kernel}({', '.join(map(str, numbers))});"
        constants = array("int64_t", name, m)
        constants += array("int32_t", f"{step.identifier}_zeros", np.concatenate(zeros))
        kernels = (*helpers(step.inputs, output), kernel)
        return Code(constants, (call,), kernels, tables=8 * (len(m) + channels))

    def describe(self) -> list[str]:
        words = ["add" if len(self.inputs) > 1 else "change of scale"]
        return [*words, *(["ReLU"] if self.low == self.zero_point else [])]
