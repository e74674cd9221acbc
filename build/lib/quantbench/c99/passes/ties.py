"""Mark where half up and half to even differ: only there does C pay for the latter.

With m = odd * 2**t an accumulator is at a tie where it is j * 2**(s - 1 - t) for an odd j, and is
then rounded from j * odd / 2. So a multiplier of many significant bits has no tie within the
accumulator's bounds, or only where the result is clamped: docs/arithmetic.md derives it, and
ir/rounding.py decides it.
"""

from __future__ import annotations

from dataclasses import replace

from quantbench.c99.ir.graph import Graph


def mark_ties(graph: Graph) -> Graph:
    """The same graph, with `ties` False in each node where half up gives the same integers."""
    return replace(graph, nodes=tuple(node.mark_ties(graph) for node in graph.nodes))
