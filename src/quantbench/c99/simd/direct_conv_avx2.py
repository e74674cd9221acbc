"""Places in lanes for AVX2: where windows are two values apart, as behind a pooling of 2 x 2, a
load of values of 16 bits brings each lane two neighbouring taps.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.emit.c_syntax import aligned, array
from quantbench.c99.nodes.conv import Conv
from quantbench.c99.simd.direct_conv import (
    Lanes,
    function,
    rounded,
    step,
)
from quantbench.c99.simd.tiling import Shape
from quantbench.c99.target.isa import AVX2

_LANES = 8
_MOST_SUMS = 12


def fits(node: Conv, shape: Shape) -> bool:
    """Where registers hold the sums of all channels, and fewer of their lanes are empty than
    with channels in lanes.
    """
    lanes = -(-shape.out_width // _LANES) * _LANES
    return (
        shape.channels == 1
        and node.requantize is not None
        and node.window.dilations == (1, 1)
        and step(shape) == 2
        and shape.outputs <= _LANES
        and shape.outputs * min(shape.positions, 2) <= _MOST_SUMS
        and shape.out_width >= _LANES
        and shape.outputs * lanes < _LANES * shape.out_width
    )


def code(own: str, layer: str, node: Conv, shape: Shape) -> tuple[dict[str, str], str]:
    """A function (in, out) of values of 16 bits, and its constants by name."""
    taps = f"{own}_taps"
    constants = {taps: aligned(array("int16_t", taps, _taps(node)))}
    lanes = Lanes(
        bits=256,
        filled=_LANES,
        size=2,
        rows=(),
        values=lambda r, c: _values(
            shape, r * shape.window.strides[0], c * shape.window.strides[1]
        ),
        taps=lambda number, o: f"{taps} + {(number * shape.outputs + o) * 2 * _LANES}",
        stored=_stored(layer, node, shape),
    )
    return constants, function(own, layer, node, shape, lanes)


def _values(shape: Shape, r: int, c: int) -> list[str]:
    (sh, sw), kernel = shape.window.strides, shape.window.kernel
    down, right = r * sh, c * sw
    rows, columns = (range(size) for size in kernel)
    return [
        f"kept_256(at + {2 * ((down + r) * shape.width + right + k)})"
        for r in rows for k in columns[::2]
    ]  # fmt: skip


def _taps(node: Conv) -> NDArray[np.int16]:
    """[kh, pairs, O, lanes, 2], the last of an odd row with a weight of 0."""
    rows = node.weights[:, :, :, 0]
    padded = np.pad(rows, ((0, 0), (0, 0), (0, rows.shape[2] % 2)))
    pairs = padded.reshape(*padded.shape[:2], -1, 2).transpose(1, 2, 0, 3)
    return np.repeat(pairs[:, :, :, None], _LANES, axis=3)


def _stored(layer: str, node: Conv, shape: Shape) -> list[str]:
    """Requantized to 8 bytes a channel, and those mixed so that channels lie innermost."""
    outputs = shape.outputs
    lines = ["__m128i bytes[8] = {_mm_setzero_si128()};"]
    for o in range(outputs):
        lines.append(f"bytes[{o}] = {rounded(layer, node, AVX2, o)};")
    at = f"out + (y * {shape.out_width} + x) * {outputs}"
    return [*lines, f"store_mixed({at}, bytes, {_LANES}, {outputs});"]
