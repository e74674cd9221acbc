"""A graph while it grows: its tensors, each of a name of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from fractions import Fraction

import numpy as np

from quantbench.c99.frontend.reader import MOST_NUMBERS, shown
from quantbench.c99.frontend.values import Pending, Real, Shape
from quantbench.c99.ir.graph import Reshape, Tensor
from quantbench.errors import CompileError
from quantbench.numerics.fixed_point import exact

COST = 1000
"""What a factor costs, against a weight."""
_BUDGET = 2**28
_MOST_HELD = MOST_NUMBERS
"""Of all tensors together."""


class Builder(ABC):
    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}
        self._reshaped: dict[tuple[str, Shape], str] = {}
        self._taken: dict[str, int] = {}
        self._left = _BUDGET
        self._held = 0

    @abstractmethod
    def settled(self, value: Real | Pending) -> Real | None:
        """A tensor that holds it with nothing to be rounded; None where there is none."""

    @abstractmethod
    def reshape(self, node: Reshape) -> None:
        """Adds the node."""

    def spend(self, numbers: int) -> None:
        """Counts numbers that are kept, so that a small file can't ask for endless memory."""
        self._left -= numbers
        if self._left < 0:
            raise CompileError("the network, with all that is made of its weights, is too large")

    def scales(self, tensor: str) -> tuple[Fraction, ...]:
        """One, or one for each channel."""
        return tuple(exact(one) for one in self.tensors[tensor].scale)

    def seen(self, real: Real) -> str:
        """The tensor in the shape in which it is seen."""
        tensor = self.tensors[real.tensor]
        if tensor.shape == real.shape:
            return real.tensor
        if (real.tensor, real.shape) not in self._reshaped:
            scale = tensor.scale
            if len(scale) > 1 and len(real.shape) == 3 and real.shape[0] != len(scale):
                raise CompileError(
                    f"{shown(tensor.name)}: it has a scale for each channel, so that it can't be "
                    f"seen as {[*real.shape]}"
                )
            if len(scale) > 1 and len(real.shape) != 3:  # each channel is several numbers now
                scale = tuple(np.repeat(scale, tensor.size // len(scale)).tolist())
            output = self.keep(replace(tensor, shape=real.shape, scale=scale))
            self.reshape(Reshape(output, real.tensor, output))
            self._reshaped[real.tensor, real.shape] = output
        return self._reshaped[real.tensor, real.shape]

    def keep(self, tensor: Tensor) -> str:
        """Under its name, or one like it. Raises CompileError where all become too large."""
        self._held += tensor.size
        if self._held > _MOST_HELD:
            raise CompileError(
                f"{shown(tensor.name)}: with it, its tensors have {self._held:,} numbers for one "
                f"image; up to {_MOST_HELD:,} are supported"
            )
        name = base = shown(tensor.name)
        while name in self.tensors:
            self._taken[base] = self._taken.get(base, 1) + 1
            name = f"{base}#{self._taken[base]}"
        self.tensors[name] = replace(tensor, name=name)
        return name
