"""Tiny networks of all layers that threads divide, and their C in parts, whether it pays or not."""

from __future__ import annotations

from dataclasses import replace

from quantbench.c99.emit.library import Emitted, Options
from quantbench.c99.generate import emit, in_parts
from quantbench.c99.ir.graph import Graph, Pooling, Window
from quantbench.c99.passes.parts import Division, divided_above
from quantbench.c99.target.isa import ISAS
from quantbench.c99.target.target import Target
from tests.c99.builder import Builder


def every_layer() -> Graph:
    build = Builder((3, 14, 9))
    x = build.conv("input", 16, Window((3, 3), (2, 2), (1, 1, 1, 1)))
    y = build.conv(x, 16, Window((3, 3), (1, 1), (1, 1, 1, 1)), groups=16)
    y = build.conv(y, 16, Window((1, 1)), activation="none")
    x = build.rescale(build.table(build.add(x, y)), per_channel=True)
    gate = build.conv(build.pool(x, "average", Window((7, 5))), 16, Window((1, 1)))
    x = build.concat(build.product(x, gate), build.extreme(x, y, "maximum"))
    x = build.pool(x, "average", Window((3, 3), (1, 1), (1, 1, 1, 1)), count_pads=False)
    halved = Pooling("max", Window((2, 2), (1, 1)))
    x = build.conv(x, 24, Window((2, 3), (1, 1), (1, 0, 1, 1), (2, 1)), groups=2, pooling=halved)
    x = build.conv(x, 40, Window((6, 3)), wide=True)
    return build.graph(build.dense(x, 50, activation="none", last=True))


def parted(graph: Graph, count: int, file_from: int | None = None) -> tuple[Emitted, Division]:
    """The C of a graph in which every layer is divided that can be."""
    emitted = emit(graph, Target.NATIVE, Options(file_from=file_from))
    division = divided_above(emitted.plan, count, -1e9)
    whole = emitted.layers if emitted.weights_apart else None
    return replace(emitted, parts=in_parts(emitted.plan, division, ISAS, whole)), division
