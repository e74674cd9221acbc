"""Direct convolution for AVX-512 VNNI and VBMI, with outputs in lanes.

A byte permute brings each lane four taps of its window, counted through the window's rows.
"""

from __future__ import annotations

import math

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
from quantbench.c99.target.isa import AVX512VBMI

_LANES = 16
_REGISTER = 64
_MAX_CHANNELS = 8


def fits(node: Conv, geometry: ConvGeometry) -> bool:
    """Whether at least half the lanes are filled, and two rows in registers hold any four taps."""
    kernel = node.window.kernel
    return (
        geometry.channels == 1
        and geometry.outputs <= _MAX_CHANNELS
        and node.requantize is not None
        and node.window.dilations == (1, 1)
        and geometry.out_width >= _LANES // 2
        and _bytes(geometry) <= _REGISTER
        and all(rows[-1] - rows[0] <= 1 for rows in _rows(kernel))
    )


def code(own: str, layer: str, node: Conv, geometry: ConvGeometry) -> tuple[dict[str, str], str]:
    """The constants, by name, and the C function (in, out)."""
    groups, columns = range(_groups(geometry)), _columns(geometry)
    picks = np.stack([_pick(geometry, g, c) for g in groups for c in columns])
    tables: tuple[tuple[str, str, NDArray[np.integer]], ...] = (
        ("uint8_t", "picks", picks),
        ("int8_t", "taps", _taps(node)),
        ("uint8_t", "mixes", _mixes(geometry)),
    )
    constants = {
        f"{own}_{name}": array(type, f"{own}_{name}", values, aligned=True)
        for type, name, values in tables
    }
    lanes = Lanes(
        bits=512,
        filled=_filled(geometry),
        size=1,
        rows=_loaded(geometry),
        values=lambda r, c: _values(own, geometry, r * geometry.window.strides[0], c),
        taps=lambda number, o: f"{own}_taps + {(number * geometry.outputs + o) * 4}",
        stored=_stored(own, layer, node, geometry),
    )
    return constants, function(own, layer, node, geometry, lanes)


def _loaded(geometry: ConvGeometry) -> tuple[str, ...]:
    pool, stride = geometry.pooling.window, geometry.window.strides[0]
    kernel = range(geometry.window.kernel[0])
    rows = sorted({place * stride + r for place in range(pool.kernel[0]) for r in kernel})
    mask = f"0x{(1 << _bytes(geometry)) - 1:x}ULL"
    return tuple(
        f"const __m512i r{r} = _mm512_maskz_loadu_epi8({mask}, at + {r * geometry.width});"
        for r in rows
    )


def _values(own: str, geometry: ConvGeometry, down: int, c: int) -> list[str]:
    """Registers of the place in column c of the pooling window, `down` rows below the first."""
    columns, values = len(_columns(geometry)), []
    for g, rows in enumerate(_rows(geometry.window.kernel)):
        pick = f"model_load_512({own}_picks + {(g * columns + c) * _REGISTER})"
        values.append(f"_mm512_permutex2var_epi8(r{rows[0] + down}, {pick}, r{rows[-1] + down})")
    return values


def _stored(own: str, layer: str, node: Conv, geometry: ConvGeometry) -> list[str]:
    """Requantize to 16 bytes for each channel, interleaved so that channels are innermost."""
    outputs, lines = geometry.outputs, []
    for half in range(2):
        for o in range(4 * half, min(4 * half + 4, outputs)):
            value = rounded(layer, node, AVX512VBMI, o)
            if o % 4 == 0:
                lines.append(f"__m512i b{half} = _mm512_castsi128_si512({value});")
            else:
                lines.append(f"b{half} = _mm512_inserti32x4(b{half}, {value}, {o % 4});")
    second = "b1" if outputs > 4 else "b0"
    total = _filled(geometry) * outputs
    for number, begin in enumerate(range(0, total, _REGISTER)):
        mix = f"model_load_512({own}_mixes + {number * _REGISTER})"
        value = f"_mm512_permutex2var_epi8(b0, {mix}, {second})"
        mask = f"0x{(1 << min(_REGISTER, total - begin)) - 1:x}ULL"
        at = f"out + (y * {geometry.out_width} + x) * {outputs} + {begin}"
        lines.append(f"_mm512_mask_storeu_epi8({at}, {mask}, {value});")
    return lines


def _filled(geometry: ConvGeometry) -> int:
    return min(_LANES, geometry.out_width)


def _columns(geometry: ConvGeometry) -> range:
    return range(geometry.pooling.window.kernel[1])


def _bytes(geometry: ConvGeometry) -> int:
    """The bytes of a row that the windows of all lanes cover."""
    across = (len(_columns(geometry)) - 1) * geometry.window.strides[1]
    return (_filled(geometry) - 1) * step(geometry) + across + geometry.window.kernel[1]


def _groups(geometry: ConvGeometry) -> int:
    return -(-math.prod(geometry.window.kernel) // 4)


def _rows(kernel: tuple[int, int]) -> list[list[int]]:
    """The rows of the kernel in which each group of four taps lies."""
    taps = math.prod(kernel)
    return [[tap // kernel[1] for tap in range(at, min(at + 4, taps))] for at in range(0, taps, 4)]


def _pick(
    geometry: ConvGeometry, group: int, column: int
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The source, within two rows, of each byte of a register."""
    kernel = geometry.window.kernel
    sources = np.zeros((_LANES, 4), np.int64)
    first = group * 4 // kernel[1]
    for lane in range(_filled(geometry)):
        for tap in range(4 * group, min(4 * group + 4, math.prod(kernel))):
            row, k = divmod(tap, kernel[1])
            at = lane * step(geometry) + column * geometry.window.strides[1] + k
            sources[lane, tap % 4] = at + _REGISTER * (row - first)
    return sources.ravel()


def _taps(node: Conv) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    """The weights as [groups, O, 4]."""
    flat = node.weights.reshape(len(node.weights), -1)
    padded = np.pad(flat, ((0, 0), (0, -flat.shape[1] % 4)))
    return padded.reshape(len(flat), -1, 4).transpose(1, 0, 2)


def _mixes(geometry: ConvGeometry) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The source, within the channels' 16 bytes each, of every byte that is written."""
    total = _filled(geometry) * geometry.outputs
    place, channel = np.divmod(np.arange(total), geometry.outputs)
    return np.pad(channel * _LANES + place, (0, -total % _REGISTER))
