"""Sums of 16 bits without saturation, for CPUs that multiply bytes into them (pmaddubsw).

That instruction adds the products of two bytes in 16 bits. Where the weights prove that the sum
of several such results stays within them for all values 0..255, these are added in 16 bits and
made 32 bits once: chunks are put into bins of up to four, whichever fit together, and the
weights lie in that order, with a table of where the values of each chunk begin.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.emit.c_syntax import aligned, array
from quantbench.c99.simd.dot_product import Name, Products
from quantbench.c99.simd.tiling import (
    Pass,
    Shape,
    Weights,
    chunks,
)
from quantbench.c99.target.isa import KernelSet

DEPTH = 4
_MOST = 32767 // 255
"""What the weights of one sign may amount to: 255 times this is within 16 bits."""
Integers = NDArray[np.int64]


def fit(shape: Shape) -> bool:
    """Whether each chunk alone stays within 16 bits; a run must have a whole one."""
    if shape.weights.shape[2] < 4:
        return False
    return bool((_loads(_chunked(shape.weights)) <= _MOST).all())


def binned(loads: Integers) -> list[list[int]]:
    """Indices of chunks [chunks, sums], at most four a bin, so that no sum in a bin passes the
    limit; the fullest bins first. First-fit decreasing, into the fullest bin that has room.
    """
    members: list[list[int]] = []
    filled = np.zeros((0, loads.shape[1]), np.int64)
    open_: list[int] = []
    for item in np.argsort(-loads.max(axis=1), kind="stable"):
        fit = (filled[open_] + loads[item] <= _MOST).all(axis=1) if open_ else np.zeros(0, bool)
        if fit.any():
            mean = np.where(fit, filled[open_].mean(axis=1), -1)
            at = open_[int(mean.argmax())]
        else:
            at = len(members)
            members.append([])
            open_.append(at)
            filled = np.concatenate([filled, np.zeros((1, loads.shape[1]), np.int64)])
        members[at].append(int(item))
        filled[at] += loads[item]
        if len(members[at]) == DEPTH:
            open_.remove(at)
    return sorted(members, key=len, reverse=True)


def products(
    group: str, own: str, shape: Shape, one: Pass, kernels: KernelSet
) -> tuple[dict[str, str], Products]:
    """Constants by name: weights [groups, chunks in bins, blocks, lanes, 4], where values begin
    [groups, chunks], and how many bins there are of four, three, two and one [groups, 4].
    """
    del group
    pieces = chunks(shape.weights.shape[2], kernels.values)
    begins = np.array([run + begin for run in shape.runs for begin, _ in pieces])
    width, many = one.blocks * one.lanes, one.group
    chunked = _chunked(shape.weights)
    weights, orders, counts = [], [], []
    for g in range(many.count):
        first = many.first + g * many.width + one.at
        mine = np.zeros((width, len(begins), 4), np.int64)
        have = chunked[first : first + width]
        mine[: len(have)] = have
        made = binned(_loads(mine))
        order = np.array([item for bin in made for item in bin])
        weights.append(mine[:, order].transpose(1, 0, 2))
        orders.append(begins[order])
        counts.append([sum(len(bin) == size for bin in made) for size in range(DEPTH, 0, -1)])
    tables = (
        ("int8_t", "weights", np.stack(weights)),
        ("int32_t", "begins", np.stack(orders)),
        ("int32_t", "bins", np.array(counts)),
    )
    head = (
        f"const int8_t *const weights = {own}_weights + (ptrdiff_t)g * {weights[0].size};",
        f"const int32_t *const begins = {own}_begins + g * {len(begins)};",
        f"const int32_t *const bins = {own}_bins + g * {DEPTH};",
    )
    constants = {f"{own}_{name}": array(type, f"{own}_{name}", all_) for type, name, all_ in tables}
    found = {name: aligned(text) for name, text in constants.items()}
    return found, Products(head, lambda names: _sums(shape, one, names))


def _sums(shape: Shape, one: Pass, names: list[Name]) -> list[str]:
    """The products of a tile: the bins of four, then of three, two and one."""
    bits, width = one.bits, one.blocks * one.lanes * 4
    lines = ["const int8_t *w = weights;", "const int32_t *begin = begins;"]
    for number, size in enumerate(range(DEPTH, 0, -1)):
        lines.append(f"for (int i = 0; i < bins[{number}]; i++) {{")
        for t, p, b, name in names:
            if b == 0:
                at = shape.position(t, p)
                lines += ["    {"] + [
                    f"        const operand_{bits} v{j} = values_{bits}(at + begin[{j}] + {at});"
                    for j in range(size)
                ]
            halves = [
                f"halves_{bits}(v{j}, weights_{bits}(w + {j * width + b * one.lanes * 4}))"
                for j in range(size)
            ]
            lines.append(f"        operand_{bits} s{b} = {halves[0]};")
            lines += [f"        s{b} = sum_halves_{bits}(s{b}, {half});" for half in halves[1:]]
            lines.append(f"        {name} = sum_of_halves_{bits}({name}, s{b});")
            if b == one.blocks - 1:
                lines.append("    }")
        lines += [f"    w += {size * width};", f"    begin += {size};", "}"]
    return lines


def _chunked(weights: Weights) -> Integers:
    """[O, runs, length] to [O, chunks, 4]; where the last four overlap those before, they weigh
    nothing.
    """
    outputs, _, length = weights.shape
    found = [
        np.where(np.arange(begin, begin + 4) >= 4 * number, weights[:, :, begin : begin + 4], 0)
        for number, (begin, _) in enumerate(chunks(length, 4))
    ]
    return np.stack(found, axis=2).reshape(outputs, -1, 4).astype(np.int64)


def _loads(chunked: Integers) -> Integers:
    """[O, chunks, 4] to [chunks, sums]: what each sign amounts to in each sum of 16 bits."""
    halves = chunked.reshape(*chunked.shape[:2], 2, 2)
    signs = np.stack([np.maximum(halves, 0).sum(axis=3), np.maximum(-halves, 0).sum(axis=3)])
    return np.ascontiguousarray(signs.transpose(2, 0, 1, 3).reshape(chunked.shape[1], -1))
