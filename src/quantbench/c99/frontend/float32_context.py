"""Where an import of a float32 network stands."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.frontend.context import State
from quantbench.c99.frontend.lower_float32 import FloatBuilder
from quantbench.c99.frontend.reader import Network, OnnxNode
from quantbench.c99.frontend.values import Pending, Value, Weights
from quantbench.errors import CompileError


class FloatState(State):
    builder: FloatBuilder

    def __init__(self, network: Network) -> None:
        builder = FloatBuilder()
        super().__init__(network, builder, builder.input(network.input, network.input_shape))

    def hold(self, name: str, value: Value) -> None:
        """What several nodes read is computed once; all else waits for what can be fused."""
        if isinstance(value, Pending) and self.reader(name) is None:
            value = self.builder.settled(value)
        self.values[name] = value

    def factors(self, node: OnnxNode, at: int) -> Weights:
        found = self.constant(node, at)
        if found is None or found.dtype != np.float32:
            raise CompileError(
                f"{node.where}: its weights are supported as a constant of float32 only"
            )
        if not np.isfinite(found).all():
            raise CompileError(f"{node.where}: its weights aren't finite")
        return Weights(cast(NDArray[np.float32], found), np.ones(1, np.float32), None)
