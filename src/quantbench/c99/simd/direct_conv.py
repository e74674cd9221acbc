"""Places in lanes: a convolution of one input channel to a few.

With output channels in lanes most lanes would be empty. Here each lane is one output of a row, and
all output channels take the same values, one place of the pooling window after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from quantbench.c99.nodes.conv import Conv
from quantbench.c99.simd.requantize import factors, requantized
from quantbench.c99.simd.tiling import Shape
from quantbench.c99.target.isa import KernelSet


@dataclass(frozen=True)
class Lanes:
    """How registers of `bits` bring values to lanes, in C."""

    bits: int
    filled: int
    """Outputs of a tile; the last tile may begin in the one before."""
    size: int
    """Bytes of a value."""
    rows: tuple[str, ...]
    """What a tile begins with."""
    values: Callable[[int, int], list[str]]
    """Of a place in the pooling window, each for its taps."""
    taps: Callable[[int, int], str]
    """Where those of one of these values are for one channel."""
    stored: list[str]


def step(shape: Shape) -> int:
    """From a lane's window to the next one's."""
    return shape.pooling.window.strides[1] * shape.window.strides[1]


def rounded(layer: str, node: Conv, kernels: KernelSet, channel: int) -> str:
    """The bytes of one channel's sums."""
    bits, requantize = kernels.bits[0], node.requantize
    assert requantize is not None
    m, shift = (f"all_{bits}({layer}_{name}[{channel}])" for name in ("m", "shift"))
    of = factors(requantize, kernels, bits, m, shift)
    return requantized(requantize, kernels, bits, f"p{channel}", of)


def function(own: str, layer: str, node: Conv, shape: Shape, lanes: Lanes) -> str:
    """(in, out)"""
    pool, window = shape.pooling.window, shape.window
    tiles, last = -(-shape.out_width // lanes.filled), shape.out_width - lanes.filled
    x = f"n * {lanes.filled} < {last} ? n * {lanes.filled} : {last}" if last else "0"
    down = pool.strides[0] * window.strides[0] * shape.width * lanes.size
    begin = f"in + y * {down} + x * {step(shape) * lanes.size}"
    vec, channels = f"vec_{lanes.bits}", range(shape.outputs)
    inside = [*lanes.rows, f"{vec} {', '.join(f'p{o}' for o in channels)};"]
    for r in range(pool.kernel[0]):
        for c in range(pool.kernel[1]):
            place = _place(layer, node, lanes, lanes.values(r, c))
            inside += ["{", *(f"    {line}" for line in place)]
            inside += [f"    {_pooled(shape, lanes, o, first=r == c == 0)}" for o in channels]
            inside.append("}")
    return "\n".join(
        [
            f"static __attribute__((noinline)) void {own}(const uint8_t *in, uint8_t *out)",
            "{",
            f"    for (int y = 0; y < {shape.out_height}; y++) {{",
            f"        for (int n = 0; n < {tiles}; n++) {{",
            f"            const int x = {x};",
            f"            const uint8_t *const at = {begin};",
            *(f"            {line}" for line in [*inside, *lanes.stored]),
            "        }",
            "    }",
            "}",
            "",
        ]
    )


def _place(layer: str, node: Conv, lanes: Lanes, values: list[str]) -> list[str]:
    """The accumulators of one place of the pooling window."""
    bits, channels = lanes.bits, range(len(node.weights))
    lines = [f"vec_{bits} a{o} = all_{bits}({layer}_start[{o}]);" for o in channels]
    for number, value in enumerate(values):
        lines.append(f"const operand_{bits} v{number} = {value};")
        for o in channels:
            product = f"product_of_all_{bits}(a{o}, v{number}, {lanes.taps(number, o)})"
            lines.append(f"a{o} = {product};")
    for name, limit, join in (("low", node.low, "max"), ("high", node.high, "min")):
        if limit is not None:
            each = f"all_{bits}({layer}_{name}[{{}}])"
            lines += [f"a{o} = {join}_{bits}(a{o}, {each.format(o)});" for o in channels]
    return lines


def _pooled(shape: Shape, lanes: Lanes, channel: int, *, first: bool) -> str:
    join = "max" if shape.pooling.kind == "max" else "sum"
    both = f"{join}_{lanes.bits}(p{channel}, a{channel})"
    return f"p{channel} = {f'a{channel}' if first else both};"
