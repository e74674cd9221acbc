"""Where an import of a quantized network stands."""

from __future__ import annotations

from dataclasses import dataclass

from quantbench.c99.frontend.context import State
from quantbench.c99.frontend.lower_int8 import IntegerBuilder
from quantbench.c99.frontend.reader import Network, OnnxNode
from quantbench.c99.frontend.values import (
    Format,
    Image,
    Real,
    Weights,
)
from quantbench.errors import CompileError


@dataclass(frozen=True)
class Placed:
    """What a QuantizeLinear gave. `new`: a node was made for it, else its input held it already."""

    real: Real
    new: bool


class IntegerState(State):
    builder: IntegerBuilder

    def __init__(self, network: Network) -> None:
        super().__init__(network, IntegerBuilder(), Image(network.input_shape, network.input_type))
        self.input: str | None = None
        """Its tensor, once it is quantized."""
        self.placed: dict[tuple[str, Format], Placed] = {}
        """What was quantized before, by name and format."""

    def factors(self, node: OnnxNode, at: int) -> Weights:
        found = self.value(node, at)
        if not isinstance(found, Weights):
            raise CompileError(
                f"{node.where}: its weights aren't quantized; constants of int8 or uint8 behind a "
                "DequantizeLinear are supported"
            )
        return found
