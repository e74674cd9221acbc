"""What each machine has to compute: the shapes that networks have, and drawn ones."""

from __future__ import annotations

from functools import cache

from quantbench.c99.generate import emit
from quantbench.c99.ir.graph import Graph, Pooling, Type, Window
from quantbench.c99.target.target import Target
from tests.c99.builder import Builder, lenet
from tests.c99.together import drawn

_DRAWN = 24
_SAME = Window((3, 3), pads=(1, 1, 1, 1))


@cache
def networks(target: Target) -> tuple[dict[str, str], ...]:
    made = [lenet(type=type) for type in _TYPES] + [lenet(dyadic=True)]
    made += [make(type) for make in (residual, separable, pooled) for type in _TYPES]
    made += [make("int8", dyadic=True) for make in (residual, separable, pooled)]
    return tuple(emit(graph, target).files for graph in (*made, *drawn(_DRAWN)))


_TYPES: tuple[Type, ...] = ("uint8", "int8")


def residual(type: Type, *, dyadic: bool = False) -> Graph:
    build = Builder((3, 9, 11), type=type, dyadic=dyadic)
    x = build.conv("input", 32, _SAME)
    y = build.conv(x, 32, _SAME, activation="clip")
    x = build.add(x, y)
    x = build.conv(x, 70, Window((3, 3), (2, 2), (0, 0, 1, 1)))
    x = build.pool(x, "average", Window((4, 5)))
    return build.graph(build.dense(build.reshape(x, (70,)), 10, activation="none", last=True))


def separable(type: Type, *, dyadic: bool = False) -> Graph:
    """Depthwise, then one place: as MobileNet."""
    build = Builder((2, 12, 10), type=type, dyadic=dyadic)
    x = build.conv("input", 16, Window((3, 3), (2, 2), (0, 0, 1, 1)), activation="clip")
    x = build.conv(x, 16, _SAME, groups=16, activation="clip")
    x = build.conv(x, 40, Window((1, 1)), activation="none")
    x = build.conv(x, 40, Window((5, 3), (2, 1), (2, 1, 2, 1)), groups=40)
    x = build.concat(x, build.rescale(x))
    return build.graph(build.conv(x, 9, Window((1, 1)), wide=True))


def pooled(type: Type, *, dyadic: bool = False) -> Graph:
    """Poolings behind and beside convolutions, windows that overlap, dilations."""
    build = Builder((1, 20, 21), type=type, dyadic=dyadic)
    x = build.conv("input", 8, Window((5, 5)), pooling=Pooling("max", Window((2, 2), (2, 2))))
    x = build.conv(
        x, 24, Window((3, 3), dilations=(1, 2)), pooling=Pooling("average", Window((3, 2), (1, 1)))
    )
    x = build.pool(x, "average", Window((3, 3), (1, 1), (1, 1, 1, 1)), count_pads=False)
    return build.graph(build.pool(x, "max", Window((2, 2), (2, 2))))
