"""Direct convolution for AVX2, with outputs in lanes.

Where neighbouring windows are two values apart, as before a 2x2 pooling, a load of int16 values
brings each lane two neighbouring taps.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.emit.c_syntax import array
from quantbench.c99.nodes.conv import Conv
from quantbench.c99.simd.direct_conv import (
    Lanes,
    function,
    rounded,
    step,
)
from quantbench.c99.simd.tiling import ConvGeometry
from quantbench.c99.target.isa import AVX2

_LANES = 8
_MAX_SUMS = 12


def fits(node: Conv, geometry: ConvGeometry) -> bool:
    """Whether registers hold the sums of all channels, with more lanes in use than by channels."""
    lanes = -(-geometry.out_width // _LANES) * _LANES
    return (
        geometry.channels == 1
        and node.requantize is not None
        and node.window.dilations == (1, 1)
        and step(geometry) == 2
        and geometry.outputs <= _LANES
        and geometry.outputs * min(geometry.positions, 2) <= _MAX_SUMS
        and geometry.out_width >= _LANES
        and geometry.outputs * lanes < _LANES * geometry.out_width
    )


def code(own: str, layer: str, node: Conv, geometry: ConvGeometry) -> tuple[dict[str, str], str]:
    """The constants, by name, and the C function (in, out), which reads int16 values."""
    taps = f"{own}_taps"
    constants = {taps: array("int16_t", taps, _taps(node), aligned=True)}
    lanes = Lanes(
        bits=256,
        filled=_LANES,
        size=2,
        rows=(),
        values=lambda r, c: _values(
            geometry, r * geometry.window.strides[0], c * geometry.window.strides[1]
        ),
        taps=lambda number, o: f"{taps} + {(number * geometry.outputs + o) * 2 * _LANES}",
        stored=_stored(layer, node, geometry),
    )
    return constants, function(own, layer, node, geometry, lanes)


def _values(geometry: ConvGeometry, r: int, c: int) -> list[str]:
    (sh, sw), kernel = geometry.window.strides, geometry.window.kernel
    down, right = r * sh, c * sw
    rows, columns = (range(size) for size in kernel)
    return [
        f"model_kept_256(at + {2 * ((down + r) * geometry.width + right + k)})"
        for r in rows
        for k in columns[::2]
    ]


def _taps(node: Conv) -> NDArray[np.int16]:
    """The weights as [kh, pairs, O, lanes, 2]; the missing tap of an odd row has weight 0."""
    rows = node.weights[:, :, :, 0]
    padded = np.pad(rows, ((0, 0), (0, 0), (0, rows.shape[2] % 2)))
    pairs = padded.reshape(*padded.shape[:2], -1, 2).transpose(1, 2, 0, 3)
    return np.repeat(pairs[:, :, :, None], _LANES, axis=3)


def _stored(layer: str, node: Conv, geometry: ConvGeometry) -> list[str]:
    """Requantize to 8 bytes for each channel, interleaved so that channels are innermost."""
    outputs = geometry.outputs
    lines = ["__m128i bytes[8] = {_mm_setzero_si128()};"]
    for o in range(outputs):
        lines.append(f"bytes[{o}] = {rounded(layer, node, AVX2, o)};")
    at = f"out + (y * {geometry.out_width} + x) * {outputs}"
    return [*lines, f"model_store_mixed({at}, bytes, {_LANES}, {outputs});"]
