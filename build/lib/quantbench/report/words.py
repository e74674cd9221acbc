"""Format numbers and verdicts, the same in every table and sentence."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

import numpy as np

from quantbench.harness.records import Latency
from quantbench.numerics.coverage import Coverage
from quantbench.results.records import Row
from quantbench.results.select import batch1, largest_batch
from quantbench.system.machine import Environment, has_vnni

IMAGES = 10_000
"""Samples that every total of times is for: the images that the source report timed."""
NONE = "–"


def significant(value: float, digits: int = 3) -> str:
    """Format a number with at least `digits` digits and no exponent: 1,089 or 76.9 or 0.277."""
    if value == 0:
        return "0"
    for decimals in range(digits):
        if abs(value) >= 10 ** (digits - 1 - decimals):
            return f"{value:,.{decimals}f}"
    return f"{value:,.{digits}f}"


def ratio(value: float) -> str:
    """Format a ratio: two decimals below 10, three significant digits above."""
    return f"{value:.2f}" if value < 10 else significant(value)


def percent(fraction: float, decimals: int = 1) -> str:
    """Format a fraction as a percentage that is never rounded up to 100% or down to 0%."""
    text = f"{100 * fraction:.{decimals}f}"
    step = 10.0**-decimals
    if fraction < 1 and float(text) == 100:
        text = f"{100 - step:.{decimals}f}"
    elif fraction > 0 and float(text) == 0:
        text = f"<{step:.{decimals}f}"
    return f"{text}%"


def p_value(p: float) -> str:
    """Format a p value: "p=0.012", or "p<0.001"."""
    return "p<0.001" if p < 0.001 else f"p={p:.3f}"


def seconds(microseconds: float) -> str:
    """Format the seconds that IMAGES samples take at so many microseconds each."""
    return significant(microseconds * IMAGES / 1e6)


def duration(seconds: float) -> str:
    """A time to one unit or two: "40 s", "12 min", "3 h 20 min"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def count(number: int, noun: str) -> str:
    """A number with its noun, in the plural unless it is 1: "1 row", "2,000 rows"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def joined(words: Iterable[str]) -> str:
    """List words in a sentence: "a, b and c"; NONE where there are none."""
    *first, last = [*words] or [NONE]
    return f"{', '.join(first)} and {last}" if first else last


def row_name(row: Row) -> str:
    """The name of a row: "static on torch"."""
    return row.name


def covered(coverage: Coverage) -> str:
    """Say which share of the multiply-adds stays float."""
    if not coverage.float_macs:
        return "every multiply-add on integers"
    return f"{percent(coverage.float_share)} of multiply-adds stay float"


def an(noun: str) -> str:
    """A noun with its indefinite article: "an image", "a sample"."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def shown(row: Row) -> tuple[Latency, ...]:
    """The latencies of a row that the tables show, where it has them."""
    latencies = (batch1(row), largest_batch(row, "model"), largest_batch(row, "end_to_end"))
    return tuple(latency for latency in latencies if latency is not None)


def middle_half(latency: Latency) -> tuple[float, float]:
    """The outer quartiles of the blocks' medians, in microseconds a sample."""
    blocks = [median(slices) for slices in latency.blocks]
    low, high = np.percentile(blocks, (25, 75))
    return float(low), float(high)


def spread(latency: Latency) -> float:
    """The width of the middle half of the blocks, as a share of the median."""
    low, high = middle_half(latency)
    return (high - low) / latency.median


def integer_instructions(environment: Environment) -> str:
    """Name the instruction set that decides whether 8-bit arithmetic can be fast."""
    sets = environment.instruction_sets
    if environment.architecture in {"aarch64", "arm64"}:
        return "8-bit dot product" if "asimddp" in sets else "no 8-bit dot product"
    widest = next((n for n in ("avx512f", "avx2", "avx", "sse4_2") if n in sets), None)
    vector = widest.upper().replace("512F", "-512").replace("_", ".") if widest else "no AVX"
    return f"{vector} {'with' if has_vnni(environment) else 'without'} VNNI"
