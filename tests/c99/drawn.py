"""Small networks over all kinds of nodes, drawn by hypothesis."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st

from quantbench.c99.ir.graph import Graph, Pooling, Window
from tests.c99.builder import Builder, places

_PADS = st.tuples(*[st.integers(0, 2)] * 4)
_MOST_VALUES = 3000


@st.composite
def graphs(draw: st.DrawFn, *, dyadic: bool = False) -> Graph:
    """With `dyadic` always of factors that make ties."""
    shape = (draw(st.integers(1, 9)), draw(st.integers(1, 9)), draw(st.integers(1, 9)))
    seed, type = draw(st.integers(0, 2**16)), draw(st.sampled_from(("uint8", "int8")))
    build = Builder(shape, seed, type, dyadic=dyadic or draw(st.booleans()))
    x = "input"
    for _ in range(draw(st.integers(0, 4))):
        steps = [_conv, _pool, _residual, _rescale, _concat, _pad, _depthwise, _groups,
                 _reshape, _rearrange]  # fmt: skip
        steps += [_table, _gated, _extreme, _limit]
        x = draw(st.sampled_from(steps))(draw, build, x)
    ends = (_vector, _images, _sums, _vector)
    return build.graph(draw(st.sampled_from(ends))(draw, build, x))


def _window(draw: st.DrawFn, build: Builder, x: str, *, pads: bool = True) -> Window:
    """One that fits; with pads it may be wider than the image."""
    drawn = Window(
        kernel=(draw(st.integers(1, 5)), draw(st.integers(1, 5))),
        strides=(draw(st.integers(1, 3)), draw(st.integers(1, 3))),
        pads=draw(_PADS) if pads else (0, 0, 0, 0),
        dilations=draw(st.sampled_from(((1, 1), (1, 1), (2, 1), (1, 2)))),
    )
    if min(places(build.tensors[x].shape[1:], drawn)) < 1:
        return Window((1, 1), drawn.strides)
    return drawn


def _conv(draw: st.DrawFn, build: Builder, x: str) -> str:
    window = _window(draw, build, x)
    pooling = None
    sides = places(build.tensors[x].shape[1:], window)
    if min(sides) >= 2 and draw(st.booleans()):
        kind = draw(st.sampled_from(("average", "max")))
        strides = draw(st.sampled_from(((2, 2), (1, 1))))
        pooling = Pooling(kind, Window((2, 2), strides))
    return build.conv(
        x,
        draw(st.integers(1, 40)),
        window,
        pooling=pooling,
        activation=draw(st.sampled_from(("none", "relu", "clip"))),
        per_channel=draw(st.booleans()),
        wide=draw(st.integers(0, 4)) == 0,
    )


def _depthwise(draw: st.DrawFn, build: Builder, x: str) -> str:
    return _grouped(draw, build, x, build.tensors[x].shape[0])


def _groups(draw: st.DrawFn, build: Builder, x: str) -> str:
    channels = build.tensors[x].shape[0]
    divisors = [count for count in range(2, channels) if channels % count == 0]
    return _grouped(draw, build, x, draw(st.sampled_from(divisors or [1])))


def _grouped(draw: st.DrawFn, build: Builder, x: str, groups: int) -> str:
    return build.conv(
        x,
        groups * draw(st.integers(1, 2)),
        _window(draw, build, x),
        groups=groups,
        activation=draw(st.sampled_from(("none", "relu", "clip"))),
        per_channel=draw(st.booleans()),
    )


def _pool(draw: st.DrawFn, build: Builder, x: str) -> str:
    window = _window(draw, build, x)
    kind = draw(st.sampled_from(("average", "max")))
    return build.pool(x, kind, window, count_pads=draw(st.booleans()))


def _residual(draw: st.DrawFn, build: Builder, x: str) -> str:
    return build.add(x, build.rescale(x))


def _rescale(draw: st.DrawFn, build: Builder, x: str) -> str:
    return build.rescale(x, per_channel=draw(st.booleans()))


def _concat(draw: st.DrawFn, build: Builder, x: str) -> str:
    return build.concat(x, build.rescale(x, per_channel=True), x)


def _table(draw: st.DrawFn, build: Builder, x: str) -> str:
    return build.table(x, per_channel=draw(st.booleans()))


def _limit(draw: st.DrawFn, build: Builder, x: str) -> str:
    return build.limit(x)


def _gated(draw: st.DrawFn, build: Builder, x: str) -> str:
    """Times itself, or something with axes of size 1, or that thing repeated."""
    channels, height, width = build.tensors[x].shape
    one = draw(st.sampled_from(("none", "rows", "columns", "both")))
    whole = Window(
        (height if one in ("rows", "both") else 1, width if one in ("columns", "both") else 1)
    )
    gate = build.table(build.pool(x, "max", whole))
    if draw(st.booleans()):
        gate = build.broadcast(gate, (channels, height, width))
    return build.product(x, gate)


def _extreme(draw: st.DrawFn, build: Builder, x: str) -> str:
    return build.extreme(x, build.rescale(x), draw(st.sampled_from(("maximum", "minimum"))))


def _pad(draw: st.DrawFn, build: Builder, x: str) -> str:
    return build.pad(x, draw(_PADS)) if build.tensors[x].size < _MOST_VALUES else x


def _rearrange(draw: st.DrawFn, build: Builder, x: str) -> str:
    """A part of each axis, the axes in another order."""
    shape = build.tensors[x].shape
    places = np.arange(build.tensors[x].size).reshape(shape)
    for axis, size in enumerate(shape):
        kept = draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=9))
        evenly = np.arange(draw(st.integers(0, size - 1)), size, draw(st.integers(1, 2)))
        places = places.take(kept if draw(st.booleans()) else evenly, axis)
    return build.rearrange(x, places.transpose(draw(st.permutations(range(3)))))


def _reshape(draw: st.DrawFn, build: Builder, x: str) -> str:
    """Through a vector to an image of other sides."""
    channels, height, width = build.tensors[x].shape
    vector = build.reshape(x, (channels * height * width,))
    if draw(st.booleans()):
        vector = build.rescale(vector, per_channel=draw(st.booleans()))
    return build.reshape(vector, (width, channels, height))


def _vector(draw: st.DrawFn, build: Builder, x: str) -> str:
    flat = build.reshape(x, (math.prod(build.tensors[x].shape),))
    if draw(st.booleans()):
        flat = build.concat(flat, build.rescale(flat, per_channel=True))
    if draw(st.booleans()):
        flat = build.add(flat, build.rescale(flat))
    if draw(st.booleans()):
        flat = build.table(flat, per_channel=draw(st.booleans()))
    if draw(st.booleans()):
        flat = build.dense(flat, draw(st.integers(1, 40)), wide=draw(st.booleans()))
    if draw(st.booleans()):
        flat = build.dense(flat, draw(st.integers(1, 12)), activation="none", last=True)
    return flat


def _images(draw: st.DrawFn, build: Builder, x: str) -> str:
    return x


def _sums(draw: st.DrawFn, build: Builder, x: str) -> str:
    """The network's output are the accumulators of a convolution, perhaps as a vector."""
    out = build.conv(x, draw(st.integers(1, 20)), _window(draw, build, x), last=True)
    if draw(st.booleans()):
        return out
    return build.reshape(out, (math.prod(build.tensors[out].shape),))
