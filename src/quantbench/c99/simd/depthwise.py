"""SIMD code of integer depthwise convolutions, for any kernel, stride, dilation and padding.

In two passes, of as many rows of outputs as fit the first-level cache: quads of taps are interleaved
into scratch memory, zero points around them; then each quad meets its taps, with two of the four
planes at a time, so that taps and factors stay in registers. Packs undo the interleaving. No
padded image is made: rows above and below the image are one row of zero points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.emit.c_syntax import CWriter, array
from quantbench.c99.emit.fragments import WORKSPACE
from quantbench.c99.emit.translation_unit import SimdCode
from quantbench.c99.ir.graph import Requantization, Step, Window
from quantbench.c99.nodes.conv import Conv
from quantbench.c99.simd.depthwise_plan import (
    DepthwisePlan,
    Lanes,
    QuadSet,
    Source,
    depthwise_plan,
    used,
)
from quantbench.c99.simd.requantize import factors, scaled
from quantbench.c99.target.isa import AVX2, AVX512VBMI, AVX512VNNI, AVXVNNI, SSE2, Isa

_KERNELS = {
    AVX512VBMI: "quads_512",
    AVX512VNNI: "quads_512",
    AVXVNNI: "quads_avxvnni",
    AVX2: "quads_avx2",
    SSE2: "quads_sse2",
}
_OPERANDS = ("q0", "q1", "q2", "q3")
_BAND = 12288
"""Bytes of quads that stay in the first-level cache beside input and output."""


@dataclass(frozen=True)
class _Layer:
    """A depthwise convolution with the plan and the names that its C is written with."""

    name: str
    own: str
    node: Conv
    requantize: Requantization
    isa: Isa
    plan: DepthwisePlan
    height: int
    width: int
    out_height: int
    out_width: int

    @property
    def window(self) -> Window:
        return self.node.window

    @property
    def lanes(self) -> Lanes:
        return self.plan.lanes

    @property
    def bits(self) -> int:
        return self.isa.bits[0]

    @property
    def groups(self) -> int:
        """The number of times that `plan.rows` rows of outputs are computed."""
        return -(-self.out_height // self.plan.rows)

    @property
    def band(self) -> int:
        """The groups that are computed in one go."""
        most = max(1, _BAND // self.plan.bytes)
        return -(-self.groups // -(-self.groups // most))

    @property
    def halves(self) -> int:
        """The bytes of a band's results of the first two planes."""
        return self.band * self.plan.rows * self.plan.blocks * self.lanes.bytes

    @property
    def row(self) -> int:
        """The bytes of a row of the image."""
        return self.width * self.lanes.channels

    def table(self, field: str) -> str:
        """The name of a constant."""
        return f"{self.name}_quads_{field}_{self.lanes.bytes}"


def fits(step: Step, node: Conv, isa: Isa) -> bool:
    """Whether the layer is depthwise and rounded to bytes, with no pooling, for these registers."""
    rounds = node.requantize is not None and node.pooling is None
    return isa in _KERNELS and rounds and node.groups == step.inputs[0].shape[0]


def code(step: Step, node: Conv, isa: Isa) -> SimdCode:
    """The SIMD code of a depthwise convolution that `fits`.

    Where there are several filters for each channel, the image is repeated first.
    """
    layer, image = _layer(step, node, isa), step.inputs[0]
    memory = layer.band * layer.plan.bytes + layer.halves + layer.row + 2 * 64
    times = step.output.shape[0] // node.groups
    source, calls, repeated = image.at, [], 0
    if times > 1:
        source, repeated = WORKSPACE, image.size * times
        calls.append(f"model_repeat({image.at}, {source}, {image.size}, {times});")
    calls.append(f"{layer.own}({source}, {step.output.at}, {WORKSPACE} + {repeated});")
    kernels = (_KERNELS[isa], *(["repeat"] if times > 1 else []))
    return SimdCode(_tables(layer), _function(layer), tuple(calls), memory + repeated, kernels)


def _layer(step: Step, node: Conv, isa: Isa) -> _Layer:
    assert node.requantize is not None
    _, height, width = step.inputs[0].shape
    channels, out_height, out_width = step.output.shape
    lanes = Lanes(isa.bits[0] // 8, channels)
    plan = depthwise_plan(lanes, node.window, out_height, out_width)
    own = f"{step.identifier}_quads"
    sides = height, width, out_height, out_width
    return _Layer(step.identifier, own, node, node.requantize, isa, plan, *sides)


def _tables(layer: _Layer) -> dict[str, str]:
    """The constants of each lane, in the order in which planes hold the channels."""
    node, requantize = layer.node, layer.requantize
    fields: dict[str, NDArray[np.integer] | None] = {
        "start": node.bias,
        "low": node.low,
        "high": node.high,
        "m": np.array([multiplier.m for multiplier in requantize.multipliers]),
        "shift": np.array([multiplier.s for multiplier in requantize.multipliers]),
    }
    channels = _channels(layer.lanes)
    tables = {
        layer.table(field): array(
            "int32_t", layer.table(field), _by_channel(values, layer)[channels], aligned=True
        )
        for field, values in fields.items()
        if values is not None
    }
    taps = f"{layer.table('taps')}_{_element(layer.isa).removesuffix('_t')}"
    return tables | {taps: array(_element(layer.isa), taps, _taps(layer), aligned=True)}


def _element(isa: Isa) -> str:
    """The C type of a tap."""
    return isa.element


def _by_channel(values: NDArray[np.integer], layer: _Layer) -> NDArray[np.integer]:
    return np.broadcast_to(values, (layer.lanes.channels,)) if len(values) == 1 else values


def _channels(lanes: Lanes) -> NDArray[np.int64]:
    """The channel of each lane, as [parts, planes, lanes]; an empty lane repeats channel 0."""
    shape = (lanes.parts, 4, lanes.bytes // 4)
    return np.array(
        [
            lanes.channel(part, lanes.byte(plane, lane)) or 0
            for part, plane, lane in np.ndindex(shape)
        ]
    ).reshape(shape)


def _taps(layer: _Layer) -> NDArray[np.integer]:
    """The weights as [parts, planes, products, lanes, 4]; of words, even taps before odd ones."""
    weights = layer.node.weights[..., 0]
    channels = _channels(layer.lanes)
    registers = [
        np.stack(
            [
                weights[channels, tap[0], tap[1]] if tap else np.zeros_like(channels)
                for tap in (*product.taps[row], *[None] * (4 - len(product.taps[row])))
            ],
            axis=-1,
        )
        for product in layer.plan.products
        for row in range(layer.plan.rows)
        if used(product, row)
    ]
    quads = np.stack(registers, axis=2)
    if layer.isa.lanes_per_product == 4:
        return quads
    return np.stack([quads[..., 0::2], quads[..., 1::2]], axis=3)


def _function(layer: _Layer) -> str:
    plan, lanes, bits = layer.plan, layer.lanes, layer.bits
    quads = layer.band * plan.bytes
    c = CWriter()
    rows = "two rows" if plan.rows == 2 else "a row"
    c.line(f"/* Channels in lanes, of {lanes.pixels} places; {rows} of outputs at once. */")
    arguments = "const uint8_t *in, uint8_t *out, uint8_t *memory"
    with c.function(f"static __attribute__((noinline)) void {layer.own}({arguments})"):
        c.line("uint8_t *const planes = model_aligned(memory);")
        c.line(f"uint8_t *const halves = planes + {quads};")
        c.line(f"uint8_t *const outside = halves + {layer.halves};")
        c.line(f"const model_vec_{bits} pad = model_splat_{bits}({layer.node.padding});")
        c.line("(void)pad;")
        c.line(f"memset(planes, {layer.node.padding}, {quads});")
        c.line(f"memset(outside, {layer.node.padding}, {layer.row + lanes.bytes});")
        with c.loop("k", lanes.parts):
            c.line(f"const int first = {_first(lanes)};")
            with c.loop("begin", layer.groups, layer.band):
                left = f"{layer.groups} - begin"
                c.line(f"const int rows = {left} < {layer.band} ? {left} : {layer.band};")
                with c.loop("g", "rows"):
                    _write_quads(c, layer)
                with c.loop("h", 2):
                    _write_products(c, layer)
    return c.finished()


def _first(lanes: Lanes) -> str:
    last = lanes.first(lanes.parts - 1)
    if last == (lanes.parts - 1) * lanes.bytes:
        return f"k * {lanes.bytes}"
    return f"k * {lanes.bytes} < {last} ? k * {lanes.bytes} : {last}"


def _write_quads(c: CWriter, layer: _Layer) -> None:
    """Write the first pass for one group of rows of outputs."""
    plan, window = layer.plan, layer.window
    c.line(f"uint8_t *const to = planes + g * {plan.bytes};")
    down = plan.rows * window.strides[0]
    c.line(f"const int top = (begin + g) * {down} - {window.pads[0]};")
    for row in sorted({source.row for quads in plan.sets for source in quads.sources}):
        y = f"top + {row * window.dilations[0]}"
        inside = f"(unsigned)({y}) < {layer.height}U"
        at = f"in + ({y}) * {layer.row} + first"
        c.line(f"const uint8_t *const r{row} = {inside} ? {at} : outside;")
    for number, quads in enumerate(plan.sets):
        begin, end = _whole(layer, quads)
        only_pads = layer.lanes.pixels == 1 and len({s.pixel for s in quads.sources}) == 1
        spans = (
            (0, begin, False), (begin, end, True), (end, quads.blocks, False)
        )  # fmt: skip
        for low, high, whole in spans:
            if low < high and (whole or not only_pads):
                with c.block(f"for (int b = {low}; b < {high}; b++)"):
                    _write_block(c, layer, number, whole=whole)


def _write_block(c: CWriter, layer: _Layer, number: int, *, whole: bool) -> None:
    quads, bits = layer.plan.sets[number], layer.bits
    for name, source in zip(_OPERANDS, quads.sources, strict=False):
        c.line(f"const model_vec_{bits} {name} = {_loaded(layer, source, whole=whole)};")
    names = [*_OPERANDS[: len(quads.sources)], *[_OPERANDS[len(quads.sources) - 1]] * 3][:4]
    to = f"to + {layer.plan.begin(number)} + b * {layer.lanes.bytes}"
    c.line(f"model_interleave_{bits}({to}, {layer.plan.plane(number)}, {', '.join(names)});")


def _reads(layer: _Layer) -> str:
    """How a register of pixels is read: all at once, every other of two registers, or one by one."""
    lanes, stride = layer.lanes, layer.window.strides[1]
    if lanes.pixels == 1 or stride == 1:
        return "run"
    if stride == 2 and lanes.channels in (8, 16, 32) and lanes.filled == lanes.bytes:
        return "even"
    return "pixels"


def _whole(layer: _Layer, quads: QuadSet) -> tuple[int, int]:
    """The blocks, from and to, in which each source lies within its row."""
    lanes, stride = layer.lanes, layer.window.strides[1]
    across = lanes.pixels * (stride if _reads(layer) == "even" else 1)
    blocks = [
        block
        for block in range(quads.blocks)
        if all(
            0 <= block * lanes.pixels * stride + source.pixel <= layer.width - across
            for source in quads.sources
        )
    ]
    if not blocks or _reads(layer) == "pixels":
        return quads.blocks, quads.blocks
    return blocks[0], blocks[-1] + 1


def _loaded(layer: _Layer, source: Source, *, whole: bool) -> str:
    """The C expression of the bytes of one source in block b."""
    lanes, bits, row = layer.lanes, layer.bits, f"r{source.row}"
    stride, channels, padding = layer.window.strides[1], lanes.channels, layer.node.padding
    reads, step = _reads(layer), lanes.pixels * stride
    pixel = f"b * {step} + {source.pixel}" if source.pixel >= 0 else f"b * {step} - {-source.pixel}"
    if reads == "pixels":
        numbers = f"{stride}, {lanes.pixels}, {layer.width}, {channels}, {padding}"
        return f"model_pixels_{bits}({row}, {pixel}, {numbers})"
    at = f"({pixel}) * {channels}"
    if not whole and lanes.pixels > 1:
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


def _write_products(c: CWriter, layer: _Layer) -> None:
    """Write the second pass for two planes of a band, 2 * h and the next one."""
    plan, lanes, bits = layer.plan, layer.lanes, layer.bits
    node, requantize = layer.node, layer.requantize
    planes = range(2)
    c.line("const int plane = (k * 4 + 2 * h);")
    for q in planes:

        def load(field: str, q: int = q) -> str:
            at = f"(plane + {q}) * {lanes.bytes // 4}"
            return f"model_load_{bits}({layer.table(field)} + {at})"

        c.line(f"const model_vec_{bits} start{q} = {load('start')};")
        for limit, values in (("low", node.low), ("high", node.high)):
            if values is not None:
                c.line(f"const model_vec_{bits} {limit}{q} = {load(limit)};")
        value = factors(requantize, layer.isa, bits, load("m"), load("shift"))
        c.line(f"const model_factors_{bits} factors{q} = {value};")
    _write_taps(c, layer)
    with c.loop("g", "rows"):
        c.line(f"const uint8_t *const from = planes + g * {plan.bytes};")
        c.line(f"const int y = (begin + g) * {plan.rows};")
        with c.loop("b", plan.blocks):
            for v in range(plan.rows):
                c.line(f"model_vec_{bits} {', '.join(f'a{v}_{q} = start{q}' for q in planes)};")
            _write_sums(c, layer)
            for v in range(plan.rows):
                for q in planes:
                    _write_scaled(c, layer, v, q)
            _write_stores(c, layer)


def _write_taps(c: CWriter, layer: _Layer) -> None:
    """Load the taps of two planes."""
    lanes, bits = layer.lanes, layer.bits
    table = f"{layer.table('taps')}_{_element(layer.isa).removesuffix('_t')}"
    names = [
        f"{number}_{row}"
        for number, product in enumerate(layer.plan.products)
        for row in range(layer.plan.rows)
        if used(product, row)
    ]
    for q in range(2):
        for place, name in enumerate(names):
            at = f"((plane + {q}) * {len(names)} + {place}) * {lanes.bytes}"
            c.line(f"const model_taps_{bits} t{name}_{q} = model_load_taps_{bits}({table} + {at});")


def _write_sums(c: CWriter, layer: _Layer) -> None:
    """Write the products of block b."""
    plan, bits = layer.plan, layer.bits
    for number, product in enumerate(plan.products):
        for q in range(2):
            plane = f"(2 * h + {q}) * {plan.plane(product.set)}"
            at = f"from + {plan.begin(product.set) + product.shift} + {plane}"
            with c.block():
                load = f"model_load_quads_{bits}({at} + b * {layer.lanes.bytes})"
                c.line(f"const model_quads_{bits} quads = {load};")
                for v in range(plan.rows):
                    if used(product, v):
                        sum = f"model_quad_product_{bits}(a{v}_{q}, quads, t{number}_{v}_{q})"
                        c.line(f"a{v}_{q} = {sum};")


def _write_scaled(c: CWriter, layer: _Layer, v: int, q: int) -> None:
    name, bits = f"a{v}_{q}", layer.bits
    if layer.node.low is not None:
        c.line(f"{name} = model_max_{bits}({name}, low{q});")
    if layer.node.high is not None:
        c.line(f"{name} = model_min_{bits}({name}, high{q});")
    value = scaled(layer.requantize, layer.isa, bits, name, f"factors{q}")
    c.line(f"{name} = {value};")


def _write_stores(c: CWriter, layer: _Layer) -> None:
    """Keep the results of the first planes; pack those of the last with them, and store them."""
    plan, lanes, bits, requantize = layer.plan, layer.lanes, layer.bits, layer.requantize
    limits = f"{requantize.low}, {requantize.high}"
    for v in range(plan.rows):
        half = f"halves + ((g * {plan.rows} + {v}) * {plan.blocks} + b) * {lanes.bytes}"
        c.line(f"const model_vec_{bits} half{v} = model_halved_{bits}(a{v}_0, a{v}_1);")
        with c.block("if (h == 0)"):
            c.line(f"model_store_{bits}({half}, half{v});")
        beyond = v > 0 and layer.out_height % plan.rows > 0
        with c.block(f"else if (y + {v} < {layer.out_height})" if beyond else "else"):
            value = f"model_quartered_{bits}(model_load_bytes_{bits}({half}), half{v}, {limits})"
            c.line(f"const model_vec_{bits} bytes = {value};")
            down = f"(y + {v}) * {layer.out_width * lanes.channels}"
            c.line(f"uint8_t *const at = out + {down} + b * {_step(lanes)} + first;")
            _write_store(c, layer)


def _step(lanes: Lanes) -> int:
    """The distance, in bytes of the output, from a block to the next."""
    return lanes.pixels * lanes.channels


def _write_store(c: CWriter, layer: _Layer) -> None:
    lanes, bits, plan = layer.lanes, layer.bits, layer.plan
    left = (layer.out_width - (plan.blocks - 1) * lanes.pixels) * lanes.channels
    last = min(lanes.filled, left)
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
