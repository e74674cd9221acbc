"""Names, constants, loads and the epilogue that a depthwise convolution's C is written from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.emit.c_syntax import CWriter, array
from quantbench.c99.ir.graph import Requantization, Window
from quantbench.c99.nodes.conv import Conv
from quantbench.c99.simd.depthwise_plan import DepthwisePlan, Lanes, QuadSet, Source, used
from quantbench.c99.simd.requantize import factors, lane_array, lane_tables, scaled
from quantbench.c99.target.isa import Isa


_SCALES = "m", "shift"


@dataclass(frozen=True)
class DepthwiseLayer:
    """A depthwise convolution of [height, width] to [out_height, out_width], with its plan."""

    name: str
    node: Conv
    requantize: Requantization | None
    """None where sums are stored as int32."""
    isa: Isa
    plan: DepthwisePlan
    height: int
    width: int
    out_height: int
    out_width: int

    @property
    def function(self) -> str:
        """The name of its C function."""
        return f"{self.name}_quads"

    @property
    def window(self) -> Window:
        """The window of the convolution."""
        return self.node.window

    @property
    def lanes(self) -> Lanes:
        """The lanes of a register."""
        return self.plan.lanes

    @property
    def bits(self) -> int:
        """The bits of a register."""
        return self.isa.bits[0]

    @property
    def row(self) -> int:
        """The bytes of a row of the image."""
        return self.width * self.lanes.channels

    @property
    def out_row(self) -> int:
        """The numbers of a row of outputs."""
        return self.out_width * self.lanes.channels

    @property
    def first(self) -> str:
        """The C expression of the first channel of part `k`."""
        size, last = self.lanes.bytes, self.lanes.first(self.lanes.parts - 1)
        begin = f"k * {size}"
        return begin if last % size == 0 else f"{begin} < {last} ? {begin} : {last}"

    @property
    def products(self) -> list[tuple[int, int]]:
        """The number of the product and the row of outputs of each register of taps."""
        return [
            (number, row)
            for number, product in enumerate(self.plan.products)
            for row in range(self.plan.rows)
            if used(product, row)
        ]

    def table(self, field: str) -> str:
        """The name of a constant."""
        return f"{self.name}_quads_{field}_{self.lanes.bytes}"

    @property
    def taps(self) -> str:
        """The name of the constant that holds the weights."""
        return f"{self.table('taps')}_{self.isa.element.removesuffix('_t')}"


def tables(layer: DepthwiseLayer) -> dict[str, str]:
    """The constants of each lane, in the order in which planes hold the channels, by name."""
    node, channels = layer.node, _channels(layer.lanes)
    fields: dict[str, NDArray[np.integer] | None] = {
        "start": node.bias,
        "low": node.low,
        "high": node.high,
    }

    def lanes(values: NDArray[np.integer]) -> NDArray[np.integer]:
        return _by_channel(values, layer)[channels]

    constants = {
        layer.table(field): lane_array(layer.table(field), lanes(values))
        for field, values in fields.items()
        if values is not None
    }
    names = layer.table(_SCALES[0]), layer.table(_SCALES[1])
    if layer.requantize is not None:
        constants |= lane_tables(layer.requantize, layer.isa, names, lanes)
    taps = array(layer.isa.element, layer.taps, _packed(layer, channels), aligned=True)
    return constants | {layer.taps: taps}


def _by_channel(values: NDArray[np.integer], layer: DepthwiseLayer) -> NDArray[np.integer]:
    return np.broadcast_to(values, (layer.lanes.channels,)) if len(values) == 1 else values


def _channels(lanes: Lanes) -> NDArray[np.int64]:
    """The channel of each lane, as [parts, planes, lanes]; an empty lane repeats channel 0.

    Of a flat row, its phases stand for parts.
    """
    shape = (max(lanes.parts, lanes.phases), 4, lanes.bytes // 4)
    places = (
        lanes.channel(part, lanes.byte(plane, lane)) for part, plane, lane in np.ndindex(shape)
    )
    return np.array([place or 0 for place in places]).reshape(shape)


def _packed(layer: DepthwiseLayer, channels: NDArray[np.int64]) -> NDArray[np.integer]:
    """The weights as [parts, planes, products, lanes, 4]; of words, even taps before odd ones."""
    weights = layer.node.weights[..., 0]
    none = np.zeros_like(channels)
    registers = []
    for number, row in layer.products:
        taps = layer.plan.products[number].taps[row]
        quad = [weights[channels, tap[0], tap[1]] if tap else none for tap in taps]
        registers.append(np.stack([*quad, *[none] * (4 - len(quad))], axis=-1))
    quads = np.stack(registers, axis=2)
    if layer.isa.lanes_per_product == 4:
        return quads
    return np.stack([quads[..., 0::2], quads[..., 1::2]], axis=3)


def write_rows(c: CWriter, layer: DepthwiseLayer) -> None:
    """Write the addresses of the image's rows `r0`, `r1` ... from `top` on, or of zero points."""
    for row in sorted({source.row for quads in layer.plan.sets for source in quads.sources}):
        y = f"top + {row * layer.window.dilations[0]}"
        inside = f"(unsigned)({y}) < {layer.height}U"
        at = f"in + ({y}) * {layer.row} + first"
        c.line(f"const uint8_t *const r{row} = {inside} ? {at} : outside;")


def write_constants(c: CWriter, layer: DepthwiseLayer, planes: int) -> None:
    """Write the loads of bias, limits, factors and taps of so many planes from `plane` on."""
    lanes, bits, node = layer.lanes, layer.bits, layer.node
    for q in range(planes):
        at = f"(plane + {q}) * {lanes.bytes // 4}"
        fields = [("start", node.bias), ("low", node.low), ("high", node.high)]
        for field, values in fields:
            if values is not None:
                load = f"model_load_{bits}({layer.table(field)} + {at})"
                c.line(f"const model_vec_{bits} {field}{q} = {load};")
        if layer.requantize is not None:
            m, shift = (f"model_load_{bits}({layer.table(name)} + {at})" for name in _SCALES)
            value = factors(layer.requantize, layer.isa, bits, m, shift)
            c.line(f"const model_factors_{bits} factors{q} = {value};")
        for place, (number, row) in enumerate(layer.products):
            at_tap = f"((plane + {q}) * {len(layer.products)} + {place}) * {lanes.bytes}"
            load = f"model_load_taps_{bits}({layer.taps} + {at_tap})"
            c.line(f"const model_taps_{bits} t{number}_{row}_{q} = {load};")


def write_scaled(c: CWriter, layer: DepthwiseLayer, name: str, plane: int) -> None:
    """Write the epilogue of one register of sums: limits, then scale and zero point where it has."""
    bits = layer.bits
    if layer.node.low is not None:
        c.line(f"{name} = model_max_{bits}({name}, low{plane});")
    if layer.node.high is not None:
        c.line(f"{name} = model_min_{bits}({name}, high{plane});")
    if layer.requantize is not None:
        value = scaled(layer.requantize, layer.isa, bits, name, f"factors{plane}")
        c.line(f"{name} = {value};")


def write_words(c: CWriter, layer: DepthwiseLayer, name: str, plane: str, y: str) -> None:
    """Write the store of a register of sums: those of `plane` in block b of row `y` of outputs."""
    lanes, bits = layer.lanes, layer.bits
    begin = f"({y}) * {layer.out_row} + b * {lanes.step} + first + 4 * ({plane})"
    at = f"out + 4 * ({begin})"
    last = _last(layer)
    if last == lanes.bytes:
        c.line(f"model_store_words_{bits}({at}, {name});")
        return
    count = f"(b < {layer.plan.blocks - 1} ? {lanes.filled} : {last}) - 4 * ({plane})"
    c.line(f"model_store_first_words_{bits}({at}, {name}, {count});")


def _last(layer: DepthwiseLayer) -> int:
    """The bytes in use of the last block of a row of outputs."""
    lanes = layer.lanes
    return min(lanes.filled, layer.out_row - (layer.plan.blocks - 1) * lanes.step)


def write_store(c: CWriter, layer: DepthwiseLayer, halves: tuple[str, str], y: str) -> None:
    """Write the store of block b of row `y` of outputs, from two registers of halves."""
    lanes, bits, plan, requantize = layer.lanes, layer.bits, layer.plan, layer.requantize
    assert requantize is not None
    limits = f"{requantize.low}, {requantize.high}"
    value = f"model_quartered_{bits}({halves[0]}, {halves[1]}, {limits})"
    c.line(f"const model_vec_{bits} bytes = {value};")
    c.line(f"uint8_t *const at = out + ({y}) * {layer.out_row} + b * {lanes.step} + first;")
    last = _last(layer)
    whole = f"model_store_{bits}(at, bytes);"
    if lanes.filled < lanes.bytes:
        whole = f"model_store_first_{bits}(at, bytes, {lanes.filled});"
    if last == lanes.filled:
        c.line(whole)
        return
    with c.block(f"if (b < {plan.blocks - 1})"):
        c.line(whole)
    with c.block("else"):
        c.line(f"model_store_first_{bits}(at, bytes, {last});")


def _reads(layer: DepthwiseLayer) -> str:
    """How a register of pixels is read: at once, every other of two registers, or one by one."""
    lanes, stride = layer.lanes, layer.window.strides[1]
    if lanes.flat or lanes.pixels == 1 or stride == 1:
        return "run"
    if stride == 2 and lanes.channels in (8, 16, 32) and lanes.filled == lanes.bytes:
        return "even"
    return "pixels"


def whole_blocks(layer: DepthwiseLayer, quads: QuadSet) -> tuple[int, int]:
    """The blocks, from and to, in which each source lies within its row."""
    lanes, stride = layer.lanes, layer.window.strides[1]
    across = lanes.step * (stride if _reads(layer) == "even" else 1)
    if lanes.pixels == 1:
        across = lanes.channels
    blocks = [
        block
        for block in range(quads.blocks)
        if all(
            0 <= block * lanes.step * stride + source.pixel * lanes.channels <= layer.row - across
            for source in quads.sources
        )
    ]
    if not blocks or _reads(layer) == "pixels":
        return quads.blocks, quads.blocks
    return blocks[0], blocks[-1] + 1


def loaded(layer: DepthwiseLayer, source: Source, block: str, *, whole: bool) -> str:
    """The C expression of the bytes of one source in a block."""
    lanes, bits, row = layer.lanes, layer.bits, f"r{source.row}"
    stride, channels, padding = layer.window.strides[1], lanes.channels, layer.node.padding
    reads, sign = _reads(layer), "-" if source.pixel < 0 else "+"
    pixel = f"{block} * {lanes.pixels * stride} {sign} {abs(source.pixel)}"
    if reads == "pixels":
        numbers = f"{stride}, {lanes.pixels}, {layer.width}, {channels}, {padding}"
        return f"model_pixels_{bits}({row}, {pixel}, {numbers})"
    at = f"{block} * {lanes.step * stride} {sign} {abs(source.pixel) * channels}"
    if not whole and lanes.pixels != 1:
        low, high = (
            f"model_row_{bits}({row}, {at}{more}, {layer.row}, {padding})"
            for more in ("", f" + {lanes.bytes}")
        )
        return f"model_even_{bits}({low}, {high}, {channels})" if reads == "even" else low
    load = f"model_load_bytes_{bits}({row} + {at})"
    if reads == "even":
        return f"model_even_{bits}({load}, {load[:-1]} + {lanes.bytes}), {channels})"
    if lanes.filled < lanes.bytes:
        load = f"model_first_{bits}({row} + {at}, {lanes.filled})"
    return load if whole else f"(unsigned)({pixel}) < {layer.width}U ? {load} : pad"


def operands(quads: QuadSet) -> list[str]:
    """The names of the four registers that are interleaved, the last source standing in."""
    names = [f"q{number}" for number in range(len(quads.sources))]
    return [*names, *[names[-1]] * (4 - len(names))]
