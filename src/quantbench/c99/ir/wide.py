"""Integers of 32 bits between two nodes: how they are rounded, and how C addresses them.

docs/arithmetic.md, "Sums that nothing rounds". They lie in memory of bytes, which need not be
aligned, so C copies each to a variable.
"""

from __future__ import annotations

from collections.abc import Sequence

from quantbench.c99.ir.graph import Graph, Place
from quantbench.numerics.fixed_point import Integers

HALF = 0.5
"""The most that rounding takes, in steps: tolerances of 8-bit tensors leave it out."""


def is_word(graph: Graph, tensor: str) -> bool:
    """Whether a tensor is of 32 bits."""
    return graph.tensors[tensor].type == "int32"


def half_step(graph: Graph, tensor: str) -> float:
    """The part of a tolerance that rounding to the tensor adds."""
    return HALF if is_word(graph, tensor) else 0.0


def suffix(type: str) -> str:
    """The part of a kernel's name that tells the type of a tensor: `b` of bytes, `w` of words."""
    return "w" if type == "int32" else "b"


def nearest_index(product: Integers, shift: int) -> Integers:
    """Round product * 2**-shift to the nearest integers, ties up: |product| < 2**62."""
    return (product + (1 << (shift - 1))) >> shift


def helpers(inputs: Sequence[Place], output: Place, *, rounds: bool = True) -> tuple[str, ...]:
    """The kernels by which another reads its inputs, rounds, and writes its output."""
    reads = ("word",) if any(place.type == "int32" for place in inputs) else ()
    writes = ("set_word",) if output.type == "int32" else ()
    return ("words", *reads, *writes, *(("nearest",) if rounds else ()))
