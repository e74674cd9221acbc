"""A convolution of one input channel to a few, for AVX-512 VNNI and VBMI: places in lanes.

With output channels in lanes most lanes would be empty. Here each lane is one output of a row,
and a byte permute brings it four taps of its window, counted through the window's rows; all
output channels take these taps, one place of the pooling window after the other.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.graph import Conv
from quantbench.c99.lanes import Shape
from quantbench.c99.text import aligned, array

_LANES = 16
_REGISTER = 64
_MOST_CHANNELS = 8


def fits(node: Conv, shape: Shape) -> bool:
    """Where at least half the lanes are filled, and two rows in registers hold any four taps."""
    kernel = node.window.kernel
    return (
        shape.channels == 1
        and shape.outputs <= _MOST_CHANNELS
        and node.requantize is not None
        and node.window.dilations == (1, 1)
        and shape.out_width >= _LANES // 2
        and _bytes(shape) <= _REGISTER
        and all(rows[-1] - rows[0] <= 1 for rows in _rows(kernel))
    )


def code(own: str, layer: str, node: Conv, shape: Shape) -> tuple[dict[str, str], str]:
    """A function (in, out), and its constants by name."""
    picks = np.stack([_pick(shape, g, c) for g in range(_groups(shape)) for c in _columns(shape)])
    tables: tuple[tuple[str, str, NDArray[np.integer]], ...] = (
        ("uint8_t", "picks", picks), ("int8_t", "taps", _taps(node)),
        ("uint8_t", "mixes", _mixes(shape)),
    )  # fmt: skip
    constants = {
        f"{own}_{name}": aligned(array(type, f"{own}_{name}", values))
        for type, name, values in tables
    }
    return constants, "\n".join([*_head(own, shape), *_body(own, layer, node, shape), ""])


def _head(own: str, shape: Shape) -> list[str]:
    filled, pool, window = _filled(shape), shape.pooling.window, shape.window
    tiles = -(-shape.out_width // filled)
    last = shape.out_width - filled
    x = f"n * {filled} < {last} ? n * {filled} : {last}" if last else "0"
    down = pool.strides[0] * window.strides[0] * shape.width
    return [
        f"static void {own}(const uint8_t *in, uint8_t *out)",
        "{",
        f"    for (int y = 0; y < {shape.out_height}; y++) {{",
        f"        for (int n = 0; n < {tiles}; n++) {{",
        f"            const int x = {x};",
        f"            const uint8_t *const at = in + y * {down} + x * {_step(shape)};",
    ]


def _body(own: str, layer: str, node: Conv, shape: Shape) -> list[str]:
    pool, stride = shape.pooling.window, shape.window.strides[0]
    kernel = range(shape.window.kernel[0])
    rows = sorted({place * stride + r for place in range(pool.kernel[0]) for r in kernel})
    mask = f"0x{(1 << _bytes(shape)) - 1:x}ULL"
    lines = [
        f"const __m512i r{r} = _mm512_maskz_loadu_epi8({mask}, at + {r * shape.width});"
        for r in rows
    ]
    lines += [f"__m512i p{o}, q{o};" for o in range(shape.outputs)]
    for r in range(pool.kernel[0]):
        for c in range(pool.kernel[1]):
            lines += ["{", *_place(own, layer, node, shape, r * stride, c), "}"]
            lines += _pooled(shape, first=r == c == 0)
    lines += _stored(own, layer, node, shape)
    return [*(f"            {line}" for line in lines), "        }", "    }", "}"]


def _place(own: str, layer: str, node: Conv, shape: Shape, down: int, c: int) -> list[str]:
    """The accumulators of one place of the pooling window, into q0, q1, ..."""
    columns, channels = len(_columns(shape)), range(shape.outputs)
    lines = [f"__m512i a{o} = _mm512_set1_epi32({layer}_start[{o}]);" for o in channels]
    for g, rows in enumerate(_rows(shape.window.kernel)):
        pick = f"load_512({own}_picks + {(g * columns + c) * _REGISTER})"
        one, other = f"r{rows[0] + down}", f"r{rows[-1] + down}"
        value = f"_mm512_permutex2var_epi8({one}, {pick}, {other})"
        lines.append(f"const __m512i v{g} = {value};")
        for o in channels:
            taps = f"{own}_taps + {(g * shape.outputs + o) * 4}"
            lines.append(f"a{o} = product_of_all(a{o}, v{g}, {taps});")
    for limit, function in (("low", "max"), ("high", "min")):
        if getattr(node, limit) is not None:
            lines += [
                f"a{o} = _mm512_{function}_epi32(a{o}, _mm512_set1_epi32({layer}_{limit}[{o}]));"
                for o in channels
            ]
    lines += [f"q{o} = a{o};" for o in channels]
    return lines


def _pooled(shape: Shape, *, first: bool) -> list[str]:
    join = "max" if shape.pooling.kind == "max" else "add"
    return [
        f"p{o} = q{o};" if first else f"p{o} = _mm512_{join}_epi32(p{o}, q{o});"
        for o in range(shape.outputs)
    ]


def _stored(own: str, layer: str, node: Conv, shape: Shape) -> list[str]:
    """Requantized to 16 bytes a channel, and those mixed so that channels lie innermost."""
    requantize, outputs = node.requantize, shape.outputs
    assert requantize is not None
    limits = f"{requantize.zero_point}, {requantize.low}, {requantize.high}"
    lines = []
    for half in range(2):
        for o in range(4 * half, min(4 * half + 4, outputs)):
            factors = f"factors_of_all({layer}_m[{o}], {layer}_shift[{o}])"
            value = f"requantized_512(p{o}, {factors}, {limits})"
            if o % 4 == 0:
                lines.append(f"__m512i b{half} = _mm512_castsi128_si512({value});")
            else:
                lines.append(f"b{half} = _mm512_inserti32x4(b{half}, {value}, {o % 4});")
    other = "b1" if outputs > 4 else "b0"
    total = _filled(shape) * outputs
    for number, begin in enumerate(range(0, total, _REGISTER)):
        mix = f"load_512({own}_mixes + {number * _REGISTER})"
        value = f"_mm512_permutex2var_epi8(b0, {mix}, {other})"
        mask = f"0x{(1 << min(_REGISTER, total - begin)) - 1:x}ULL"
        at = f"out + (y * {shape.out_width} + x) * {outputs} + {begin}"
        lines.append(f"_mm512_mask_storeu_epi8({at}, {mask}, {value});")
    return lines


def _filled(shape: Shape) -> int:
    return min(_LANES, shape.out_width)


def _step(shape: Shape) -> int:
    """From a lane's window to the next one's."""
    return shape.pooling.window.strides[1] * shape.window.strides[1]


def _columns(shape: Shape) -> range:
    return range(shape.pooling.window.kernel[1])


def _bytes(shape: Shape) -> int:
    """Of a row that the windows of all lanes cover."""
    across = (len(_columns(shape)) - 1) * shape.window.strides[1]
    return (_filled(shape) - 1) * _step(shape) + across + shape.window.kernel[1]


def _groups(shape: Shape) -> int:
    return -(-math.prod(shape.window.kernel) // 4)


def _rows(kernel: tuple[int, int]) -> list[list[int]]:
    """Of each four taps, the kernel's rows that they lie in."""
    taps = math.prod(kernel)
    return [[tap // kernel[1] for tap in range(at, min(at + 4, taps))] for at in range(0, taps, 4)]


def _pick(shape: Shape, group: int, column: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """For each byte of a register, where in two rows it comes from."""
    kernel = shape.window.kernel
    found = np.zeros((_LANES, 4), np.int64)
    first = group * 4 // kernel[1]
    for lane in range(_filled(shape)):
        for tap in range(4 * group, min(4 * group + 4, math.prod(kernel))):
            row, k = divmod(tap, kernel[1])
            at = lane * _step(shape) + column * shape.window.strides[1] + k
            found[lane, tap % 4] = at + _REGISTER * (row - first)
    return found.ravel()


def _taps(node: Conv) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    """[groups, O, 4]"""
    flat = node.weights.reshape(len(node.weights), -1)
    padded = np.pad(flat, ((0, 0), (0, -flat.shape[1] % 4)))
    return padded.reshape(len(flat), -1, 4).transpose(1, 0, 2)


def _mixes(shape: Shape) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """For each byte written, where in the channels' 16 bytes each it comes from."""
    total = _filled(shape) * shape.outputs
    place, channel = np.divmod(np.arange(total), shape.outputs)
    return np.pad(channel * _LANES + place, (0, -total % _REGISTER))
