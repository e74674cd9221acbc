"""Element-wise functions of real numbers: what they mean, how far float32 may be off, their C.

ONNX evaluates a network in float32: each operator's result is the float32 nearest to the exact one,
or near it where a library approximates a function. `Function.evaluate` gives the exact one to
within a few roundings of float64, and `Function.error` bounds what an implementation may do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from quantbench.c99.ir.error_bounds import TINY, UNIT
from quantbench.c99.ir.graph import Reals


def _nothing(x: Reals) -> Reals:
    return np.zeros_like(x)


@dataclass(frozen=True, eq=False)
class Function:
    """A function of one real number.

    `words`: its name for tables and comments. `c`: a C expression of the float32 `x`.
    """

    words: str
    evaluate: Callable[[Reals], Reals]
    """float64 to float64, element by element."""
    c: str
    units: float = 8.0
    """The error of a float32 implementation, in roundings of its result and of `size`.

    0: it is a single operation of IEEE 754, which float32 arithmetic rounds correctly.
    """
    size: Callable[[Reals], Reals] = _nothing
    """The magnitude of what cancels on the way, such as the 1 in exp(x) - 1."""

    def rounded(self, x: Reals) -> Reals:
        """The float32 nearest to the function's value, as float64; NaN where there is none."""
        with np.errstate(all="ignore"):
            return as_float32(self.evaluate(x))

    def error(self, x: Reals, error: Reals, units: float | None = None) -> Reals:
        """A bound of a float32 result's distance from the function's value at x.

        `error`: how far the argument may be off; its effect is that at the ends of the interval.
        `units`: another number of roundings than the function's own.
        """
        with np.errstate(all="ignore"):
            y = self.evaluate(x)
            moved = np.maximum(
                distance(self.evaluate(x + error), y), distance(self.evaluate(x - error), y)
            )
            size = np.where(np.isfinite(y), np.abs(y), 0.0) + self.size(x)
            return moved + (self.units if units is None else units) * (UNIT * size + TINY)

    def float32_error(self, x: Reals, error: Reals) -> Reals:
        """The bound of `error` for C, in which even a single operation rounds once."""
        return self.error(x, error, max(self.units, 1.0))


def as_float32(values: Reals) -> Reals:
    """The float32 nearest to each value, as float64; infinite beyond its range."""
    with np.errstate(all="ignore"):
        return np.asarray(values, np.float64).astype(np.float32).astype(np.float64)


def distance(a: Reals, b: Reals) -> Reals:
    """|a - b|; 0 where both are the same infinity or no number."""
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(same, 0.0, np.abs(a - b)), np.float64)


def magnitude(x: Reals) -> Reals:
    """|x|, as the `size` of a function that adds terms as large as its argument."""
    return np.abs(x)


def one(x: Reals) -> Reals:
    """1, as the `size` of a function in which a 1 cancels."""
    return np.ones_like(x)


@dataclass(frozen=True, eq=False)
class Operation:
    """A single operation of IEEE 754 on two numbers: a sum, a product, a maximum.

    `words`: its name for tables and comments. `c`: a C expression of the float32 `a` and `b`.
    """

    words: str
    evaluate: Callable[[Reals, Reals], Reals]
    c: str

    def rounded(self, a: Reals, b: Reals) -> Reals:
        """The float32 nearest to the result, as float64; NaN where there is none."""
        with np.errstate(all="ignore"):
            return as_float32(self.evaluate(a, b))

    def error(
        self, values: tuple[Reals, Reals], errors: tuple[Reals, Reals], units: float = 0.0
    ) -> Reals:
        """A bound of a float32 result's distance from the exact one.

        `errors`: how far the operands may be off: the result is off the most at a corner. `units`:
        roundings of the result.
        """
        (a, b), (e, f) = values, errors
        with np.errstate(all="ignore"):
            y = self.evaluate(a, b)
            corners = [(a + e, b + f), (a + e, b - f), (a - e, b + f), (a - e, b - f)]
            moved = np.max([distance(self.evaluate(*corner), y) for corner in corners], axis=0)
            size = np.where(np.isfinite(y), np.abs(y), 0.0)
            return np.asarray(moved + units * (UNIT * size + TINY), np.float64)


ADD = Operation("add", np.add, "a + b")
SUBTRACT = Operation("subtract", np.subtract, "a - b")
MULTIPLY = Operation("multiply", np.multiply, "a * b")
DIVIDE = Operation("divide", np.divide, "a / b")
MAXIMUM = Operation("maximum", np.maximum, "a > b ? a : b")
MINIMUM = Operation("minimum", np.minimum, "a < b ? a : b")
