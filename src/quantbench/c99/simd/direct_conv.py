"""A convolution of one input channel to a few, vectorised over output width.

With output channels in lanes most lanes would be empty. Here each lane is one output of a row, and
all output channels use the same input values, for one position of the pooling window at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from quantbench.c99.emit.c_syntax import CWriter
from quantbench.c99.nodes.conv import Conv
from quantbench.c99.simd.requantize import factors, of_channel, requantized
from quantbench.c99.simd.tiling import ConvGeometry
from quantbench.c99.target.isa import Isa


@dataclass(frozen=True)
class Lanes:
    """The C expressions that bring values and weights into the lanes of `bits`-bit registers."""

    bits: int
    filled: int
    """Outputs of a tile; the last tile may begin in the one before."""
    size: int
    """Bytes of one value."""
    rows: tuple[str, ...]
    """The lines that a tile begins with."""
    values: Callable[[int, int], Sequence[str]]
    """Row, column in the pooling window -> the registers of values, one for each tap group."""
    taps: Callable[[int, int], str]
    """Number of such a register, channel -> the C expression of its taps."""
    stored: Sequence[str]
    """The lines that store a tile."""


def step(geometry: ConvGeometry) -> int:
    """The distance, in values, between the windows of two neighbouring lanes."""
    return geometry.pooling.window.strides[1] * geometry.window.strides[1]


def rounded(layer: str, node: Conv, isa: Isa, channel: int) -> str:
    """The C expression of the bytes that one channel's sums are requantized to."""
    assert node.requantize is not None
    bits, requantize = isa.bits[0], of_channel(node.requantize, channel)
    m, shift = (f"model_all_{bits}({layer}_{name}[{channel}])" for name in ("m", "shift"))
    in_lanes = factors(requantize, isa, bits, m, shift)
    return requantized(requantize, isa, bits, f"p{channel}", in_lanes)


def function(own: str, layer: str, node: Conv, geometry: ConvGeometry, lanes: Lanes) -> str:
    """The C function `own` (in, out), which computes the whole layer."""
    pool, window = geometry.pooling.window, geometry.window
    tiles, last = -(-geometry.out_width // lanes.filled), geometry.out_width - lanes.filled
    x = f"n * {lanes.filled} < {last} ? n * {lanes.filled} : {last}" if last else "0"
    down = pool.strides[0] * window.strides[0] * geometry.width * lanes.size
    begin = f"in + y * {down} + x * {step(geometry) * lanes.size}"
    sums = ", ".join(f"p{o}" for o in range(geometry.outputs))
    arguments = "const uint8_t *in, uint8_t *out"
    c = CWriter()
    c.line(f"/* All output channels; {lanes.filled} outputs of a row, one in each lane. */")
    with (
        c.function(f"static __attribute__((noinline)) void {own}({arguments})"),
        c.loop("y", geometry.out_height),
        c.loop("n", tiles),
    ):
        c.line(f"const int x = {x};")
        c.line(f"const uint8_t *const at = {begin};")
        for line in lanes.rows:
            c.line(line)
        c.line(f"model_vec_{lanes.bits} {sums};")
        for row in range(pool.kernel[0]):
            for column in range(pool.kernel[1]):
                with c.block():
                    _write_place(c, layer, node, lanes, lanes.values(row, column))
                    _write_pooled(c, geometry, lanes, first=row == column == 0)
        for line in lanes.stored:
            c.line(line)
    return c.finished()


def _write_place(c: CWriter, layer: str, node: Conv, lanes: Lanes, values: Sequence[str]) -> None:
    """Write the accumulators of one position of the pooling window."""
    bits, channels = lanes.bits, range(len(node.weights))
    for o in channels:
        c.line(f"model_vec_{bits} a{o} = model_all_{bits}({layer}_start[{o}]);")
    for number, value in enumerate(values):
        c.line(f"const model_operand_{bits} v{number} = {value};")
        for o in channels:
            taps = lanes.taps(number, o)
            c.line(f"a{o} = model_product_of_all_{bits}(a{o}, v{number}, {taps});")
    for name, limit, join in (("low", node.low, "max"), ("high", node.high, "min")):
        if limit is not None:
            for o in channels:
                in_lanes = f"model_all_{bits}({layer}_{name}[{o}])"
                c.line(f"a{o} = model_{join}_{bits}(a{o}, {in_lanes});")


def _write_pooled(c: CWriter, geometry: ConvGeometry, lanes: Lanes, *, first: bool) -> None:
    join = "max" if geometry.pooling.kind == "max" else "sum"
    for o in range(geometry.outputs):
        value = f"a{o}" if first else f"model_{join}_{lanes.bits}(p{o}, a{o})"
        c.line(f"p{o} = {value};")
