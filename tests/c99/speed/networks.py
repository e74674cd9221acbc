"""Networks whose layers all have a faster form: of many shapes, and shaped like LeNet."""

from __future__ import annotations

import math
from fractions import Fraction

from quantbench.c99.ir.graph import Graph, Pooling, Requantization, Window
from quantbench.numerics.fixed_point import multiplier
from tests.c99.builder import Builder

HALVED = Pooling("average", Window((2, 2), (2, 2)))
LARGEST = Pooling("max", Window((3, 3), (1, 2)))
SAME = Window((3, 3), pads=(1, 1, 1, 1))
STRIDED = Window((3, 3), (2, 2), (0, 0, 1, 1))
DILATED = Window((2, 3), (1, 2), (2, 1, 0, 3), (2, 2))
ROW = Window((1, 7), pads=(0, 3, 0, 3))
POINT = Window((1, 1))


class Small(Builder):
    """A builder whose factors are small, as trained networks have them, and none a tie."""

    def requantize(self, output: str, count: int, sum_of: int) -> Requantization:
        reals = self.rng.uniform(0.3, 3, count) / max(1, int(60 * math.sqrt(sum_of)))
        zero, low = self.tensors[output].zero_point, int(self.rng.integers(0, 40))
        factors = [multiplier(Fraction(float(real)), output) for real in reals]
        factors[0] = multiplier(Fraction(0), output)
        return Requantization(tuple(factors), zero, low, 255)


def lenet() -> Graph:
    build = Small((1, 32, 32))
    x = build.conv("input", 6, Window((5, 5)), pooling=HALVED)
    x = build.conv(x, 16, Window((5, 5)), pooling=HALVED)
    x = build.conv(x, 120, Window((5, 5)))
    x = build.dense(build.reshape(x, (120,)), 84)
    return build.graph(build.dense(x, 10, activation="none", last=True))


def depthwise() -> Graph:
    """Channels that are fours, and that aren't; pads on each side; strides and dilations."""
    build = Small((4, 9, 7))
    x = build.conv("input", 4, SAME, groups=4)
    x = build.conv(x, 13, POINT, activation="none")
    x = build.conv(x, 13, DILATED, groups=13, activation="clip")
    x = build.conv(x, 13, ROW, groups=13, activation="none", per_channel=False)
    x = build.conv(x, 32, POINT)
    return build.graph(build.conv(x, 32, STRIDED, groups=32, activation="clip"))


def blocked() -> Graph:
    """Rows that are spread at once, column by column, and gathered; odd outputs and positions."""
    build = Small((3, 9, 9))
    x = build.conv("input", 8, SAME, activation="clip")
    x = build.conv(x, 7, STRIDED, activation="none")
    x = build.conv(x, 12, DILATED, per_channel=False)
    x = build.conv(x, 5, SAME)
    x = build.conv(x, 6, Window((2, 2), pads=(1, 1, 1, 1)), pooling=LARGEST, activation="clip")
    return build.graph(build.conv(x, 2, POINT, activation="none"))


def pooled() -> Graph:
    """Pooling windows of an odd number of positions, summed, behind windows inside the image."""
    build = Small((4, 11, 11))
    thirds = Pooling("average", Window((3, 3), (2, 3)))
    x = build.conv("input", 4, Window((3, 2)), pooling=thirds, activation="clip")
    return build.graph(build.conv(x, 10, Window((2, 1)), pooling=HALVED))


GRAPHS = (lenet, depthwise, blocked, pooled)
