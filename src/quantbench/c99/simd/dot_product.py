"""How a pass multiplies: each chunk of a window's runs with the weights of every lane."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from quantbench.c99.emit.c_syntax import aligned, array
from quantbench.c99.simd.tiling import (
    Pass,
    Shape,
    chunks,
    packed,
)
from quantbench.c99.target.isa import KernelSet

_MOST_UNROLLED = 8
_MOST_WEIGHTS = 12
"""Registers for weights beside accumulators, where there are 32."""
Name = tuple[int, int, int, str]
"""Of an accumulator: output of the tile, place in the pooling window, block; its name."""


@dataclass(frozen=True)
class Products:
    """What stands before the tiles, where `g` is the group, and the products of one tile."""

    head: tuple[str, ...]
    sums: Callable[[list[Name]], list[str]]


def products(
    group: str, own: str, shape: Shape, one: Pass, kernels: KernelSet
) -> tuple[dict[str, str], Products]:
    """With the weights of the group, which other passes and sets share: constants by name."""
    del own
    weights = f"{group}_{kernels.element}"
    values = packed(shape.weights, one.group, kernels.values)
    head = (
        f"const {kernels.element} *const weights = {weights} + (ptrdiff_t)g * {values[0].size};",
    )

    def sums(names: list[Name]) -> list[str]:
        return _shared_sums(shape, one, kernels, names) or _sums(shape, one, kernels, names)

    return {weights: aligned(array(kernels.element, weights, values))}, Products(head, sums)


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
    step, bits = one.group.width * kernels.values, one.bits
    chains = _chains(one, kernels, names)
    lines = [f"vec_{bits} {more} = zero_{bits}();" for chain in chains[1:] for *_, more in chain]
    lines += [
        *table,
        f"for (int r = 0; r < {len(runs)}; r++) {{",
        f"    const {kernels.pointer} *const row = at + {begin};",
        f"    const {kernels.element} *const w = weights + r * {len(pieces) * step};",
    ]
    whole = sum(
        count == kernels.values and begin == kernels.values * k
        for k, (begin, count) in enumerate(pieces)
    )
    looped = whole // len(chains) * len(chains) if whole > _MOST_UNROLLED else 0
    if looped:
        lines.append(f"    for (int k = 0; k < {looped}; k += {len(chains)}) {{")
        for number, chain in enumerate(chains):
            values = (f"(k + {number}) * {kernels.values * size}", kernels.values)
            its = _products(shape, one, kernels, chain, f"(k + {number})", values)
            lines += ["    {", *its, "    }"]
        lines.append("    }")
    for k in range(looped, len(pieces)):
        offset, count = pieces[k]
        values, chain = (str(offset * size), count), chains[k % len(chains)]
        lines += ["    {", *_products(shape, one, kernels, chain, str(k), values), "    }"]
    added = [
        f"{name} = sum_{bits}({name}, {more});"
        for chain in chains[1:] for (*_, name), (*_, more) in zip(names, chain, strict=True)
    ]  # fmt: skip
    return [*lines, "}", *added]


def _chains(one: Pass, kernels: KernelSet, names: list[Name]) -> list[list[Name]]:
    """As many sums of each output as hide a product's latency: chunks go to them in turn."""
    latency = kernels.latency * kernels.bits[0] // one.bits
    count = 1
    while count < 4 and len(names) * count <= latency:
        count *= 2
    if len(names) * count > kernels.accumulators:
        count = 1
    more = [[(t, p, b, f"{name}_{chain}") for t, p, b, name in names] for chain in range(1, count)]
    return [names, *more]


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
