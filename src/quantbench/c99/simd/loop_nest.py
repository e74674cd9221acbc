"""The text of one pass over a layer: tile by tile, products, then activation to storing.

It is written in the words that each file of kernels/ gives a meaning for its registers: `vec`,
`operand`, `values`, `weights`, `product`, `sum`, `max`, `min`, `factors_of`, `requantized`.
"""

from __future__ import annotations

from dataclasses import dataclass

from quantbench.c99.ir.graph import Requantization
from quantbench.c99.simd.dot_product import Name, Products
from quantbench.c99.simd.requantize import factors, requantized
from quantbench.c99.simd.tiling import Pass, Shape, tile
from quantbench.c99.target.isa import KernelSet


@dataclass(frozen=True)
class Ending:
    """What becomes of sums: clamped where there are limits, pooled, requantized where integers
    are, and written as `output`, a type in C.
    """

    low: bool
    high: bool
    requantize: Requantization | None
    output: str
    mean: int = 1
    """What a pooled float sum is divided by."""


def function(
    own: str, layer: str, products: Products, ending: Ending, shape: Shape, one: Pass,
    kernels: KernelSet,
) -> str:  # fmt: skip
    """One pass at every place, tile by tile."""
    bits, group, size = one.bits, one.group, kernels.size
    requantize, pointer = ending.requantize, kernels.pointer
    across = tile(shape, one, kernels)
    tiles = -(-shape.out_width // across)
    (sh, sw), (ph, pw) = shape.window.strides, shape.pooling.window.strides
    down, right = ph * sh * shape.width * shape.channels, pw * sw * shape.channels
    lines = [
        f"static __attribute__((noinline)) void {own}(const {pointer} *in, {ending.output} *out)",
        "{",
        f"    for (int g = 0; g < {group.count}; g++) {{",
        *(f"        {line}" for line in products.head),
        f"        const int first = {group.first + one.at} + g * {group.width};",
    ]
    for block in range(one.blocks):
        lane = f"first + {block * one.lanes}"
        start = "signed" if kernels.signed else "start"
        ms, shifts = (f"load_{bits}({layer}_{name} + {lane})" for name in ("m", "shift"))
        of = factors(requantize, kernels, bits, ms, shifts) if requantize else ""
        for wanted, kind, name, value in (
            (True, "vec", "start", f"load_{bits}({layer}_{start} + {lane})"),
            (ending.low, "vec", "low", f"load_{bits}({layer}_low + {lane})"),
            (ending.high, "vec", "high", f"load_{bits}({layer}_high + {lane})"),
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
        f"                const {pointer} *const at = in + y * {down * size} + x * {right * size};",
    ]
    names = [
        (t, p, b, f"a{t}_{p}_{b}")
        for t in range(across) for p in range(shape.positions) for b in range(one.blocks)
    ]  # fmt: skip
    lines += [f"                vec_{bits} {name} = start{b};" for _, _, b, name in names]
    lines += [f"{' ' * 16}{line}" for line in products.sums(names)]
    lines += _ends(ending, shape, one, kernels, names, across)
    lines += ["            }", "        }", "    }", "}", ""]
    return "\n".join(lines)


def _ends(
    ending: Ending, shape: Shape, one: Pass, kernels: KernelSet, names: list[Name], across: int
) -> list[str]:
    """Activation, pooling, requantization and storing of a tile."""
    bits, lines = one.bits, []
    for _, _, b, name in names:
        if ending.low:
            lines.append(f"{name} = max_{bits}({name}, low{b});")
        if ending.high:
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
            value = f"a{t}_0_{b}"
            if ending.mean > 1:
                lines.append(f"{value} = mean_{bits}({value}, {ending.mean});")
            if ending.requantize is None:
                lines.append(f"store_sums_{bits}({at}, {value}, {filled});")
                continue
            found = requantized(ending.requantize, kernels, bits, value, f"factors{b}")
            lines.append(f"store_bytes({at}, {found}, {filled});")
    return [f"                {line}" for line in lines]
