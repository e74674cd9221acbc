"""Nodes that compute nothing: they copy existing numbers to other positions."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from quantbench.c99.ir.graph import Graph, Node, Reals, Tensors, Values
from quantbench.c99.ir.tolerance import MARGIN


class Move(Node):
    """A node that moves or joins numbers, and adds at most one constant of its own."""

    @abstractmethod
    def moved(self, graph: Graph, numbers: Tensors, constant: float) -> Values:
        """The inputs' numbers [N, *shape], of any meaning, at their positions in the output.

        `constant` takes the place of the node's own constant.
        """

    @property
    def constant(self) -> float:
        """The number that the node adds by itself, such as a padding."""
        return 0.0

    @property
    def rounds(self) -> bool:
        return False

    def evaluate(self, graph: Graph, values: Tensors) -> Values:
        return self.moved(graph, values, self.constant)

    def float32_error(self, graph: Graph, values: Tensors, errors: Tensors) -> Reals:  # noqa: ARG002
        return self.moved(graph, errors, 0.0)

    def excess(self, graph: Graph, values: Tensors) -> Reals:
        return np.full_like(self.moved(graph, values, 0.0), MARGIN, np.float64)

    def carried(self, graph: Graph, values: Tensors, before: Tensors) -> Reals:  # noqa: ARG002
        return self.moved(graph, before, MARGIN)
