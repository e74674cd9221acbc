"""The text of one group's function: tile by tile, products, then activation to storing."""

from __future__ import annotations

from quantbench.c99.graph import Conv, Dense, Requantize
from quantbench.c99.lanes import Group, Shape, tile

_MOST_UNROLLED = 8
_MOST_WEIGHTS = 12
"""Registers for weights beside accumulators."""
Name = tuple[int, int, int, str]
"""Of an accumulator: output of the tile, place in the pooling window, block; its name."""


def function(own: str, layer: str, node: Conv | Dense, shape: Shape, group: Group) -> str:
    """One group's channels at every place, tile by tile."""
    bits = group.lanes * 32
    requantize = node.requantize
    out_type = "model_output" if requantize is None else "uint8_t"
    kernel = shape.pooling.window.kernel
    positions = range(kernel[0] * kernel[1])
    across = tile(shape.out_width, len(positions), group.blocks, group.lanes)
    tiles = -(-shape.out_width // across)
    down = shape.pooling.window.strides[0] * shape.window.strides[0] * shape.width * shape.channels
    right = shape.pooling.window.strides[1] * shape.window.strides[1] * shape.channels
    step = group.blocks * group.lanes
    size = len(shape.runs) * len(shape.chunks) * group.chunk_bytes
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
    sums = _shared_sums(shape, group, names) or _sums(shape, group, names)
    lines += [f"{' ' * 16}{line}" for line in sums]
    lines += _ends(node, shape, group, names, across)
    lines += ["            }", "        }", "    }", "}", ""]
    return "\n".join(lines)


def _sums(shape: Shape, group: Group, names: list[Name]) -> list[str]:
    """The products of a tile. A few chunks are written out, many are a loop."""
    chunks = shape.chunks
    table, begin = [], f"r * {shape.runs[-1] // max(1, len(shape.runs) - 1)}"
    if shape.window.dilations[1] > 1:
        table, begin = (
            [f"static const int runs[] = {{{', '.join(map(str, shape.runs))}}};"],
            "runs[r]",
        )
    lines = [
        *table,
        f"for (int r = 0; r < {len(shape.runs)}; r++) {{",
        f"    const uint8_t *const row = at + {begin};",
        f"    const int8_t *const w = weights + r * {len(chunks) * group.chunk_bytes};",
    ]
    whole = sum(count == 4 and begin == 4 * k for k, (begin, count) in enumerate(chunks))
    if whole > _MOST_UNROLLED:
        loop = _products(shape, group, names, "k", ("k * 4", 4))
        lines += [f"    for (int k = 0; k < {whole}; k++) {{", *loop, "    }"]
        rest = range(whole, len(chunks))
    else:
        rest = range(len(chunks))
    for k in rest:
        offset, count = chunks[k]
        lines += ["    {", *_products(shape, group, names, str(k), (str(offset), count)), "    }"]
    return [*lines, "}"]


def _products(
    shape: Shape, group: Group, names: list[Name], chunk: str, values: tuple[str, int]
) -> list[str]:
    """Of one chunk of a run with every position."""
    bits = group.lanes * 32
    load = "weights" if len(names) > group.blocks else "load"
    found = []
    for b in range(group.blocks):
        place = f"w + {chunk} * {group.chunk_bytes} + {b * group.lanes * 4}"
        found.append(f"const __m{bits}i w{b} = {load}_{bits}({place});")
    for t, p, b, name in names:
        if b == 0:
            four = _four(bits, f"row + {values[0]} + {shape.position(t, p)}", values[1])
            found.append(f"const __m{bits}i v{t}_{p} = {four};")
        found.append(f"{name} = _mm{bits}_dpbusd_epi32({name}, v{t}_{p}, w{b});")
    return [f"        {line}" for line in found]


def _shared_sums(shape: Shape, group: Group, names: list[Name]) -> list[str] | None:
    """The same where registers hold all weights and windows overlap: four values that several
    windows have in common are loaded once. None where it doesn't pay.
    """
    bits = group.lanes * 32
    kinds = [(r, k) for r in range(len(shape.runs)) for k in range(len(shape.chunks))]
    uses: dict[tuple[int, int], list[str]] = {}
    for r, k in kinds:
        begin, count = shape.chunks[k]
        for t, p, b, name in names:
            at = shape.runs[r] + begin + shape.position(t, p)
            product = f"{name} = _mm{bits}_dpbusd_epi32({name}, v, w{r}_{k}_{b});"
            uses.setdefault((at, count), []).append(product)
    if len(kinds) * group.blocks > _MOST_WEIGHTS or len(uses) == len(kinds) * len(names):
        return None
    lines = []
    for number, (r, k) in enumerate(kinds):
        for b in range(group.blocks):
            place = f"weights + {number * group.chunk_bytes + b * group.lanes * 4}"
            lines.append(f"const __m{bits}i w{r}_{k}_{b} = weights_{bits}({place});")
    for (at, count), products in sorted(uses.items()):
        lines += ["{", f"    const __m{bits}i v = {_four(bits, f'at + {at}', count)};"]
        lines += [*(f"    {product}" for product in products), "}"]
    return lines


def _four(bits: int, at: str, count: int) -> str:
    return f"four_{bits}({at})" if count == 4 else f"part_{bits}({at}, {count})"


def _ends(
    node: Conv | Dense,
    shape: Shape,
    group: Group,
    names: list[Name],
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
