"""The text of one pass over a layer: tile by tile, products, then activation to storing.

It is written in the words that each file of kernels/ gives a meaning for its registers: `vec`,
`operand`, `values`, `weights`, `product`, `sum`, `max`, `min`, `factors_of`, `store`.
"""

from __future__ import annotations

from quantbench.c99.graph import Conv, Dense
from quantbench.c99.lanes import Pass, Shape, chunks, tile
from quantbench.c99.sets import KernelSet

_MOST_UNROLLED = 8
_MOST_WEIGHTS = 12
"""Registers for weights beside accumulators, where there are 32."""
Name = tuple[int, int, int, str]
"""Of an accumulator: output of the tile, place in the pooling window, block; its name."""


def function(
    own: str, layer: str, weights: str, node: Conv | Dense, shape: Shape, one: Pass,
    kernels: KernelSet,
) -> str:  # fmt: skip
    """One pass at every place, tile by tile. `weights`: the packed ones of its group."""
    bits, group, size = one.bits, one.group, kernels.size
    requantize = node.requantize
    out_type = "model_output" if requantize is None else "uint8_t"
    across = tile(shape, one, kernels)
    tiles = -(-shape.out_width // across)
    (sh, sw), (ph, pw) = shape.window.strides, shape.pooling.window.strides
    down, right = ph * sh * shape.width * shape.channels, pw * sw * shape.channels
    each = len(shape.runs) * len(_chunks(shape, kernels)) * group.width * kernels.values
    element = "int8_t" if kernels.values == 4 else "int16_t"
    lines = [
        f"static void {own}(const uint8_t *in, {out_type} *out)",
        "{",
        f"    for (int g = 0; g < {group.count}; g++) {{",
        f"        const {element} *const weights = {weights} + (ptrdiff_t)g * {each};",
        f"        const int first = {group.first + one.at} + g * {group.width};",
    ]
    for block in range(one.blocks):
        lane = f"first + {block * one.lanes}"
        start = "signed" if kernels.signed else "start"
        of = f"factors_of_{bits}({layer}_m + {lane}, {layer}_shift + {lane})"
        for wanted, kind, name, value in (
            (True, "vec", "start", f"load_{bits}({layer}_{start} + {lane})"),
            (node.low is not None, "vec", "low", f"load_{bits}({layer}_low + {lane})"),
            (node.high is not None, "vec", "high", f"load_{bits}({layer}_high + {lane})"),
            (requantize is not None, "factors", "factors", of),
        ):
            if wanted:
                lines.append(f"        const {kind}_{bits} {name}{block} = {value};")
    last = shape.out_width - across
    begin = f"n * {across}" if last == (tiles - 1) * across else (
        f"n * {across} < {last} ? n * {across} : {last}"
    )  # fmt: skip
    lines += [
        f"        for (int y = 0; y < {shape.out_height}; y++) {{",
        f"            for (int n = 0; n < {tiles}; n++) {{",
        f"                const int x = {begin};",
        f"                const uint8_t *const at = in + y * {down * size} + x * {right * size};",
    ]
    names = [
        (t, p, b, f"a{t}_{p}_{b}")
        for t in range(across) for p in range(shape.positions) for b in range(one.blocks)
    ]  # fmt: skip
    lines += [f"                vec_{bits} {name} = start{b};" for _, _, b, name in names]
    sums = _shared_sums(shape, one, kernels, names) or _sums(shape, one, kernels, names)
    lines += [f"{' ' * 16}{line}" for line in sums]
    lines += _ends(node, shape, one, names, across)
    lines += ["            }", "        }", "    }", "}", ""]
    return "\n".join(lines)


def _chunks(shape: Shape, kernels: KernelSet) -> tuple[tuple[int, int], ...]:
    return chunks(shape.weights.shape[2], kernels.values)


def _sums(shape: Shape, one: Pass, kernels: KernelSet, names: list[Name]) -> list[str]:
    """The products of a tile. A few chunks are written out, many are a loop."""
    pieces, size = _chunks(shape, kernels), kernels.size
    runs = [run * size for run in shape.runs]
    table, begin = [], f"r * {runs[-1] // max(1, len(runs) - 1)}"
    if shape.window.dilations[1] > 1:
        table = [f"static const int runs[] = {{{', '.join(map(str, runs))}}};"]
        begin = "runs[r]"
    step = one.group.width * kernels.values
    element = "int8_t" if kernels.values == 4 else "int16_t"
    lines = [
        *table,
        f"for (int r = 0; r < {len(runs)}; r++) {{",
        f"    const uint8_t *const row = at + {begin};",
        f"    const {element} *const w = weights + r * {len(pieces) * step};",
    ]
    whole = sum(
        count == kernels.values and begin == kernels.values * k
        for k, (begin, count) in enumerate(pieces)
    )
    rest = range(len(pieces))
    if whole > _MOST_UNROLLED:
        loop = _products(shape, one, kernels, names, "k", ("k * 4", kernels.values))
        lines += [f"    for (int k = 0; k < {whole}; k++) {{", *loop, "    }"]
        rest = range(whole, len(pieces))
    for k in rest:
        offset, count = pieces[k]
        values = (str(offset * size), count)
        lines += ["    {", *_products(shape, one, kernels, names, str(k), values), "    }"]
    return [*lines, "}"]


def _products(
    shape: Shape, one: Pass, kernels: KernelSet, names: list[Name], chunk: str,
    values: tuple[str, int],
) -> list[str]:  # fmt: skip
    """Of one chunk of a run with every position."""
    bits = one.bits
    load = "kept" if len(names) > one.blocks else "weights"
    found = []
    for b in range(one.blocks):
        place = f"w + {chunk} * {one.group.width * kernels.values} + {one.lane(b) * kernels.values}"
        found.append(f"const operand_{bits} w{b} = {load}_{bits}({place});")
    for t, p, b, name in names:
        if b == 0:
            at = f"row + {values[0]} + {shape.position(t, p) * kernels.size}"
            found.append(
                f"const operand_{bits} v{t}_{p} = {_spread(bits, at, kernels, values[1])};"
            )
        found.append(f"{name} = product_{bits}({name}, v{t}_{p}, w{b});")
    return [f"        {line}" for line in found]


def _shared_sums(
    shape: Shape, one: Pass, kernels: KernelSet, names: list[Name]
) -> list[str] | None:
    """The same where registers hold all weights and windows overlap: four values that several
    windows have in common are loaded once. None where it doesn't pay.
    """
    bits, pieces = one.bits, _chunks(shape, kernels)
    kinds = [(r, k) for r in range(len(shape.runs)) for k in range(len(pieces))]
    uses: dict[tuple[int, int], list[str]] = {}
    for r, k in kinds:
        begin, count = pieces[k]
        for t, p, b, name in names:
            at = (shape.runs[r] + begin + shape.position(t, p)) * kernels.size
            product = f"{name} = product_{bits}({name}, v, w{r}_{k}_{b});"
            uses.setdefault((at, count), []).append(product)
    most = _MOST_WEIGHTS if kernels.accumulators == 16 else 0
    if len(kinds) * one.blocks > most or len(uses) == len(kinds) * len(names):
        return None
    lines = []
    for number, (r, k) in enumerate(kinds):
        for b in range(one.blocks):
            place = (number * one.group.width + one.lane(b)) * kernels.values
            lines.append(f"const operand_{bits} w{r}_{k}_{b} = kept_{bits}(weights + {place});")
    for (at, count), products in sorted(uses.items()):
        lines.append("{")
        lines.append(f"    const operand_{bits} v = {_spread(bits, f'at + {at}', kernels, count)};")
        lines += [*(f"    {product}" for product in products), "}"]
    return lines


def _spread(bits: int, at: str, kernels: KernelSet, count: int) -> str:
    return f"values_{bits}({at})" if count == kernels.values else f"part_{bits}({at}, {count})"


def _ends(node: Conv | Dense, shape: Shape, one: Pass, names: list[Name], across: int) -> list[str]:
    """Activation, pooling, requantization and storing of a tile."""
    bits, lines = one.bits, []
    for _, _, b, name in names:
        if node.low is not None:
            lines.append(f"{name} = max_{bits}({name}, low{b});")
        if node.high is not None:
            lines.append(f"{name} = min_{bits}({name}, high{b});")
    join = "max" if shape.pooling.kind == "max" else "sum"
    for t, p, b, name in names:
        if p:
            lines.append(f"a{t}_0_{b} = {join}_{bits}(a{t}_0_{b}, {name});")
    for t in range(across):
        for b in range(one.blocks):
            filled = one.filled if b == one.blocks - 1 else one.lanes
            at = f"out + (y * {shape.out_width} + x + {t}) * {shape.outputs} + first"
            at += f" + {b * one.lanes}"
            lines.append(_store(node, f"a{t}_0_{b}", b, bits, at, filled))
    return [f"                {line}" for line in lines]


def _store(node: Conv | Dense, name: str, block: int, bits: int, at: str, filled: int) -> str:
    requantize = node.requantize
    if requantize is None:
        return f"store_sums_{bits}({at}, {name}, {filled});"
    limits = f"{requantize.zero_point}, {requantize.low}, {requantize.high}"
    return f"store_{bits}({at}, {name}, factors{block}, {limits}, {filled});"
