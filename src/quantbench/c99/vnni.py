"""Convolutions and fully connected layers for AVX-512 VNNI, from their shapes.

Output channels lie in lanes, 16 or, where no more than 8 are left, 8. A window's rows of
kernel_w * C bytes are contiguous; each four bytes of one are broadcast and multiplied with four
weights a lane. A tile of positions and of blocks of channels stays in registers; activation,
pooling and requantization happen there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.arithmetic import accumulator_bounds
from quantbench.c99.graph import Conv, Dense, Pooling, Requantize, Window
from quantbench.c99.plan import Step
from quantbench.c99.portable import pad_call, wide
from quantbench.c99.text import array

_ACCUMULATORS = 16
_MOST_UNROLLED = 8
_NARROW = 2**30
_ONE = Pooling("average", Window((1, 1)))


@dataclass(frozen=True)
class FastCode:
    """Of one step; `room` is memory that its calls need at TEMPORARY, a name in C."""

    text: str
    calls: tuple[str, ...]
    room: int


@dataclass(frozen=True)
class Shape:
    """Of a convolution; a fully connected layer is one of a single place."""

    width: int
    channels: int
    outputs: int
    out_height: int
    out_width: int
    window: Window
    pooling: Pooling
    weights: NDArray[np.int16]
    """[O, runs, bytes of a run]"""

    @property
    def runs(self) -> tuple[int, ...]:
        """Where each contiguous run of a window begins."""
        (kh, kw), (dh, dw) = self.window.kernel, self.window.dilations
        row = self.width * self.channels
        columns = range(kw) if dw > 1 else (0,)
        return tuple(r * dh * row + c * dw * self.channels for r in range(kh) for c in columns)

    def position(self, x: int, r: int, c: int) -> int:
        """Of place (r, c) in the pooling window of the tile's output x, from the tile's begin."""
        (sh, sw), (_, across) = self.window.strides, self.pooling.window.strides
        return (r * sh * self.width + (x * across + c) * sw) * self.channels


@dataclass(frozen=True)
class Group:
    """Blocks of output channels that one function computes, for as many groups as there are."""

    lanes: int
    blocks: int
    first: int
    count: int
    filled: int
    """Channels in the last block."""


def code(step: Step) -> FastCode | None:
    """None where the portable kernel must do."""
    node = step.work
    if not isinstance(node, Conv | Dense) or wide(node.weights) or not _narrow(node):
        return None
    if isinstance(node, Conv) and node.groups != 1:
        return None
    if node.requantize is None and step.output.at != "output":
        return None  # int32 in scratch memory, whose alignment isn't known
    return _layer(step, node)


def groups(outputs: int, one_place: bool, positions: int) -> tuple[Group, ...]:
    """With one place blocks alone fill the registers, else they share them with positions."""
    blocks, left = divmod(outputs, 16)
    if left > 8:
        blocks, left = blocks + 1, 0
    most = 8 if one_place else max(1, min(4, _ACCUMULATORS // max(positions, 4)))
    found = []
    if whole := blocks // most:
        found.append(Group(16, most, 0, whole, 16))
    if rest := blocks % most:
        found.append(Group(16, rest, whole * most * 16, 1, 16))
    if left:
        found.append(Group(8, 1, blocks * 16, 1, left))
    elif found and outputs % 16:
        last = found.pop()
        if last.count > 1:
            found.append(Group(16, last.blocks, last.first, last.count - 1, 16))
        first = last.first + (last.count - 1) * last.blocks * 16
        found.append(Group(16, last.blocks, first, 1, outputs % 16))
    return tuple(found)


def tile(out_width: int, positions: int, blocks: int, lanes: int) -> int:
    """How many outputs in a row are computed at once; the last tile may begin in the one before.

    By the time of its products: so many in flight hide their latency, and each weight is loaded
    once a tile.
    """
    latency = 4 if lanes == 16 else 8

    def cost(across: int) -> float:
        together = across * positions * blocks
        return -(-out_width // across) * (max(together, latency) + blocks / 2)

    most = max(1, min(out_width, _ACCUMULATORS // (positions * blocks)))
    return min(range(1, most + 1), key=cost)


def _narrow(node: Conv | Dense) -> bool:
    """Whether 32 bits hold what is rounded, before it is clamped."""
    if node.requantize is None:
        return True
    _, _, most = accumulator_bounds(
        node.start.astype(np.int64), node.weights.astype(np.int64), 0, 255
    )
    places = 1
    if isinstance(node, Conv) and node.pooling and node.pooling.kind == "average":
        places = node.pooling.window.kernel[0] * node.pooling.window.kernel[1]
    many = node.requantize.multipliers
    factors = many if len(many) > 1 else many * len(most)
    return all(
        (int(bound) * places * one.m >> one.s) < _NARROW
        for bound, one in zip(most, factors, strict=True)
    )


def _shape(step: Step, node: Conv | Dense) -> Shape:
    if isinstance(node, Dense):
        inputs = step.inputs[0].size
        weights = node.weights[:, None, :]
        return Shape(1, inputs, step.output.size, 1, 1, Window((1, 1)), _ONE, weights)
    channels, _, width = step.inputs[0].shape
    outputs, out_height, out_width = step.output.shape
    _, left, _, right = node.window.pads
    lying = node.weights
    runs = lying.shape[1] * (lying.shape[2] if node.window.dilations[1] > 1 else 1)
    return Shape(
        width + left + right, channels, outputs, out_height, out_width,
        node.window, node.pooling or _ONE, lying.reshape(outputs, runs, -1),
    )  # fmt: skip


def _layer(step: Step, node: Conv | Dense) -> FastCode:
    shape = _shape(step, node)
    name = step.identifier
    positions = shape.pooling.window.kernel[0] * shape.pooling.window.kernel[1]
    one_place = shape.out_height * shape.out_width * positions == 1
    parts, calls, room, source = [], [], 0, step.inputs[0].at
    if isinstance(node, Conv) and any(node.window.pads):
        channels, height, _ = step.inputs[0].shape
        top, _, bottom, _ = node.window.pads
        room = (height + top + bottom) * shape.width * channels
        calls.append(pad_call(step.inputs[0], "TEMPORARY", node.window.pads, node.padding))
        source = "TEMPORARY"
    parts.append(_tables(name, node, shape.outputs))
    for number, group in enumerate(groups(shape.outputs, one_place, positions)):
        own = f"{name}_{number}"
        parts.append(
            _aligned(array("int8_t", f"{own}_weights", packed(shape.weights, group)))
            + _function(own, name, node, shape, group)
        )
        calls.append(f"{own}({source}, {step.output.at});")
    return FastCode("".join(parts), tuple(calls), room)


def packed(weights: NDArray[np.int16], group: Group) -> NDArray[np.int16]:
    """[O, runs, length] to [groups, runs, chunks, blocks, lanes, 4]; the last four bytes of a run
    overlap those before, and weigh nothing where they do.
    """
    outputs, runs, length = weights.shape
    channels = group.count * group.blocks * group.lanes
    whole, left = divmod(length, 4)
    chunks = whole + (left > 0)
    filled = np.zeros((channels, runs, chunks * 4), np.int16)
    have = weights[group.first : min(group.first + channels, outputs)]
    filled[: len(have), :, : whole * 4] = have[:, :, : whole * 4]
    if left:
        begin = whole * 4 + (4 - left if whole else 0)
        filled[: len(have), :, begin : begin + left] = have[:, :, whole * 4 :]
    split = filled.reshape(group.count, group.blocks, group.lanes, runs, chunks, 4)
    return np.ascontiguousarray(split.transpose(0, 3, 4, 1, 2, 5))


def _tables(name: str, node: Conv | Dense, outputs: int) -> str:
    text = _lanes(f"{name}_start", node.start, outputs)
    for limit in ("low", "high"):
        given: NDArray[np.int32] | None = getattr(node, limit)
        if given is not None:
            text += _lanes(f"{name}_{limit}", given, outputs)
    if node.requantize is not None:
        many = node.requantize.multipliers
        for field, values in (("m", [one.m for one in many]), ("shift", [one.s for one in many])):
            text += _lanes(f"{name}_{field}", np.array(values), outputs)
    return text


def _lanes(name: str, values: NDArray[np.integer], outputs: int) -> str:
    """For every channel, and for the lanes behind the last."""
    many = np.broadcast_to(values, (outputs,)) if len(values) == 1 else values
    return _aligned(array("int32_t", name, np.pad(many, (0, -outputs % 16), mode="edge")))


def _aligned(text: str) -> str:
    return text.replace("[] =", "[] __attribute__((aligned(64))) =", 1)


def _function(own: str, layer: str, node: Conv | Dense, shape: Shape, group: Group) -> str:
    """One group's channels at every place, tile by tile."""
    bits = group.lanes * 32
    requantize = node.requantize
    out_type = "model_output" if requantize is None else "uint8_t"
    kernel, positions = shape.pooling.window.kernel, range(0)
    positions = range(kernel[0] * kernel[1])
    across = tile(shape.out_width, len(positions), group.blocks, group.lanes)
    tiles = -(-shape.out_width // across)
    down = shape.pooling.window.strides[0] * shape.window.strides[0] * shape.width * shape.channels
    right = shape.pooling.window.strides[1] * shape.window.strides[1] * shape.channels
    step = group.blocks * group.lanes
    chunks = -(-shape.weights.shape[2] // 4)
    size = len(shape.runs) * chunks * step * 4
    lines = [f"static void {own}(const uint8_t *in, {out_type} *out)", "{"]
    one = lines.append
    one(f"    for (int g = 0; g < {group.count}; g++) {{")
    one(f"        const int8_t *const weights = {own}_weights + (ptrdiff_t)g * {size};")
    one(f"        const int first = {group.first} + g * {step};")
    for block in range(group.blocks):
        lane = f"first + {block * group.lanes}"
        load = f"load_{bits}({layer}_"
        one(f"        const __m{bits}i start{block} = {load}start + {lane});")
        if node.low is not None:
            one(f"        const __m{bits}i low{block} = {load}low + {lane});")
        if node.high is not None:
            one(f"        const __m{bits}i high{block} = {load}high + {lane});")
        if requantize is not None:
            of = f"factors_of_{bits}({layer}_m + {lane}, {layer}_shift + {lane})"
            one(f"        const factors_{bits} factors{block} = {of};")
    one(f"        for (int y = 0; y < {shape.out_height}; y++) {{")
    one(f"            for (int n = 0; n < {tiles}; n++) {{")
    last = shape.out_width - across
    begin = f"n * {across}" if last == (tiles - 1) * across else (
        f"n * {across} < {last} ? n * {across} : {last}"
    )  # fmt: skip
    one(f"                const int x = {begin};")
    one(f"                const uint8_t *const at = in + y * {down} + x * {right};")
    names = [
        (t, p, b, f"a{t}_{p}_{b}")
        for t in range(across) for p in positions for b in range(group.blocks)
    ]  # fmt: skip
    for _, _, b, name in names:
        one(f"                __m{bits}i {name} = start{b};")
    lines += _sums(shape, group, names, kernel)
    lines += _ends(node, shape, group, names, across)
    lines += ["            }", "        }", "    }", "}", ""]
    return "\n".join(lines)


def _sums(
    shape: Shape,
    group: Group,
    names: list[tuple[int, int, int, str]],
    kernel: tuple[int, int],
) -> list[str]:
    """The products of a tile. A few chunks are written out, many are a loop."""
    bits, length = group.lanes * 32, shape.weights.shape[2]
    whole, left = divmod(length, 4)
    chunks = whole + (left > 0)
    wide = group.blocks * group.lanes * 4
    begin, table = f"r * {shape.runs[-1] // max(1, len(shape.runs) - 1)}", []
    if shape.window.dilations[1] > 1:
        begin = "runs[r]"
        table = [
            f"                static const int runs[] = {{{', '.join(map(str, shape.runs))}}};"
        ]
    lines = [
        *table,
        f"                for (int r = 0; r < {len(shape.runs)}; r++) {{",
        f"                    const uint8_t *const row = at + {begin};",
        f"                    const int8_t *const w = weights + r * {chunks * wide};",
    ]

    load = "weights" if len(names) > group.blocks else "load"

    def products(chunk: str, offset: str, count: int, indent: str) -> list[str]:
        found = []
        for b in range(group.blocks):
            place = f"w + {chunk} * {wide} + {b * group.lanes * 4}"
            found.append(f"const __m{bits}i w{b} = {load}_{bits}({place});")
        for t, p, b, name in names:
            at = f"row + {offset} + {shape.position(t, p // kernel[1], p % kernel[1])}"
            four = f"four_{bits}({at})" if count == 4 else f"part_{bits}({at}, {count})"
            if b == 0:
                found.append(f"const __m{bits}i v{t}_{p} = {four};")
            found.append(f"{name} = _mm{bits}_dpbusd_epi32({name}, v{t}_{p}, w{b});")
        return [f"{indent}{line}" for line in found]

    if whole > _MOST_UNROLLED:
        lines.append(f"                    for (int k = 0; k < {whole}; k++) {{")
        lines += products("k", "k * 4", 4, " " * 24)
        lines.append("                    }")
    else:
        for k in range(whole):
            lines += ["                    {", *products(str(k), str(k * 4), 4, " " * 24)]
            lines.append("                    }")
    if left:
        lines.append("                    {")
        offset, count = (length - 4, 4) if whole else (0, left)
        lines += products(str(whole), str(offset), count, " " * 24)
        lines.append("                    }")
    return [*lines, "                }"]


def _ends(
    node: Conv | Dense,
    shape: Shape,
    group: Group,
    names: list[tuple[int, int, int, str]],
    across: int,
) -> list[str]:
    """Activation, pooling, requantization and storing of a tile."""
    bits, lines = group.lanes * 32, []
    for _, _, b, name in names:
        if node.low is not None:
            lines.append(f"{name} = _mm{bits}_max_epi32({name}, low{b});")
        if node.high is not None:
            lines.append(f"{name} = _mm{bits}_min_epi32({name}, high{b});")
    join = "max" if shape.pooling.kind == "max" else "add"
    for t, p, b, name in names:
        if p:
            lines.append(f"a{t}_0_{b} = _mm{bits}_{join}_epi32(a{t}_0_{b}, {name});")
    for t in range(across):
        for b in range(group.blocks):
            filled = group.filled if b == group.blocks - 1 else group.lanes
            at = f"out + (y * {shape.out_width} + x + {t}) * {shape.outputs} + first"
            at += f" + {b * group.lanes}"
            lines.append(_store(node.requantize, f"a{t}_0_{b}", b, bits, at, filled))
    return [f"                {line}" for line in lines]


def _store(
    requantize: Requantize | None, name: str, block: int, bits: int, at: str, filled: int
) -> str:
    if requantize is None:
        mask = f"(__mmask{bits // 32}){(1 << filled) - 1}"
        return f"_mm{bits}_mask_storeu_epi32({at}, {mask}, {name});"
    zero, low, high = requantize.zero_point, requantize.low, requantize.high
    return (
        f"store_bytes({at}, requantized_{bits}({name}, factors{block}, {zero}, {low}, {high}), "
        f"{filled});"
    )
