"""MLPerf Tiny's networks and LeNet in portable C of integers on a Cortex-M7, counted by QEMU.

    python -m benchmarks.cortex_m_networks [NAME ...]

Each is compiled for size and for speed. Their shapes are those of the papers, their weights are
drawn: a count depends on shapes, and hardly on what the weights are. Instructions are not cycles:
see docs/compiling.md.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from quantbench.c99.build.cortex_m import counted
from quantbench.c99.emit.library import Options
from quantbench.c99.generate import emit
from quantbench.c99.ir.graph import Graph, Window
from quantbench.c99.target.target import Optimize, Target
from tests.c99.speed.networks import POINT, SAME, STRIDED, Small, lenet
from tests.families.mobilenet_v1 import STAGES


def ds_cnn() -> Graph:
    build = Small((1, 49, 10))
    x = build.conv("input", 64, Window((10, 4), (2, 2), (4, 1, 5, 1)), activation="none")
    for _ in range(4):
        x = build.conv(x, 64, SAME, groups=64, activation="none")
        x = build.conv(x, 64, POINT, activation="none")
    return classified(build, x, 12)


def mobilenet() -> Graph:
    """A quarter of the channels, images of 96 x 96."""
    build, before = Small((3, 96, 96)), 8
    x = build.conv("input", before, STRIDED, activation="none")
    for after, stride in STAGES:
        window = SAME if stride == 1 else STRIDED
        x = build.conv(x, before, window, groups=before, activation="none")
        x = build.conv(x, after, POINT, activation="none")
        before = after
    return classified(build, x, 2)


def resnet8() -> Graph:
    build = Small((3, 32, 32))
    x = build.conv("input", 16, SAME, activation="none")
    for channels, stride in ((16, 1), (32, 2), (64, 2)):
        first = build.conv(x, channels, SAME if stride == 1 else STRIDED, activation="none")
        second = build.conv(first, channels, SAME, activation="none")
        if stride == 2:
            x = build.conv(x, channels, Window((1, 1), (2, 2)), activation="none")
        x = build.add(second, x)
    return classified(build, x, 10)


def classified(build: Small, x: str, classes: int) -> Graph:
    channels, *image = build.tensors[x].shape
    x = build.pool(x, "average", Window((image[0], image[1])))
    x = build.reshape(x, (channels,))
    return build.graph(build.dense(x, classes, activation="none", last=True))


NETWORKS: dict[str, Callable[[], Graph]] = {
    "LeNet": lenet,
    "DS-CNN": ds_cnn,
    "MobileNetV1 0.25": mobilenet,
    "ResNet-8": resnet8,
}


def main(names: list[str]) -> None:
    for name in names or NETWORKS:
        graph = NETWORKS[name]()
        for optimize in Optimize:
            emitted = emit(graph, Target.CORTEX_M7, Options(optimize=optimize))
            counts = counted(emitted.files, Target.CORTEX_M7)
            if counts.missing is not None:
                sys.stdout.write(f"skipped: {counts.missing}\n")
                return
            for built in counts.built:
                sys.stdout.write(
                    f"{name:16} {optimize:5} {built.level}: flash {built.flash:7,}, "
                    f"RAM {emitted.scratch:6,}, stack {built.stack or 0:3}, "
                    f"instructions {built.instructions or 0:10,}\n"
                )
                sys.stdout.flush()


if __name__ == "__main__":
    if unknown := [name for name in sys.argv[1:] if name not in NETWORKS]:
        sys.exit(f"no network {unknown[0]}; there are {', '.join(NETWORKS)}")
    main(sys.argv[1:])
