"""How numbers and verdicts are written, the same in every table and sentence."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

import numpy as np

from quantbench.harness.records import Latency
from quantbench.numerics.coverage import Coverage
from quantbench.results.records import AgainstFloat, Row
from quantbench.results.select import batch1, largest_batch
from quantbench.results.statistics import accuracy_verdict
from quantbench.system.machine import Environment, has_vnni

IMAGES = 10_000
"""What the source report timed; every total is for so many images."""
NONE = "–"


def significant(value: float, digits: int = 3) -> str:
    """At least `digits` digits, never an exponent: 1,089 and 76.9 and 0.277."""
    if value == 0:
        return "0"
    for decimals in range(digits):
        if abs(value) >= 10 ** (digits - 1 - decimals):
            return f"{value:,.{decimals}f}"
    return f"{value:,.{digits}f}"


def ratio(value: float) -> str:
    return f"{value:.2f}" if value < 10 else significant(value)


def percent(fraction: float, decimals: int = 1) -> str:
    """Never rounded up to 100% or down to 0%."""
    text = f"{100 * fraction:.{decimals}f}"
    step = 10.0**-decimals
    if fraction < 1 and float(text) == 100:
        text = f"{100 - step:.{decimals}f}"
    elif fraction > 0 and float(text) == 0:
        text = f"<{step:.{decimals}f}"
    return f"{text}%"


def p_value(p: float) -> str:
    return "p<0.001" if p < 0.001 else f"p={p:.3f}"


def seconds(microseconds_an_image: float) -> str:
    """Of IMAGES images."""
    return significant(microseconds_an_image * IMAGES / 1e6)


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def joined(words: Iterable[str]) -> str:
    *most, last = [*words] or [NONE]
    return f"{', '.join(most)} and {last}" if most else last


def row_name(row: Row) -> str:
    return row.name


def covered(coverage: Coverage) -> str:
    if not coverage.float_macs:
        return "every multiply-add on integers"
    return f"{percent(coverage.float_share)} of multiply-adds stay float"


def verdict(against: AgainstFloat) -> str:
    return accuracy_verdict(against.only_float_right, against.only_this_right, against.mcnemar_p)


def shown(row: Row) -> tuple[Latency, ...]:
    """The latencies that stand in the table of times."""
    found = (batch1(row), largest_batch(row, "model"), largest_batch(row, "end_to_end"))
    return tuple(latency for latency in found if latency is not None)


def middle_half(latency: Latency) -> tuple[float, float]:
    """Between these lie the medians of half of the rounds: one stray round doesn't move them."""
    rounds = [median(calls) for calls in latency.rounds]
    low, high = np.percentile(rounds, (25, 75))
    return float(low), float(high)


def spread(latency: Latency) -> float:
    """The width of the middle half of the rounds over the median of all."""
    low, high = middle_half(latency)
    return (high - low) / latency.median


def integer_instructions(environment: Environment) -> str:
    """The instruction set that decides whether 8-bit arithmetic can be fast."""
    sets = environment.instruction_sets
    if environment.architecture in {"aarch64", "arm64"}:
        return "8-bit dot product" if "asimddp" in sets else "no 8-bit dot product"
    widest = next((n for n in ("avx512f", "avx2", "avx", "sse4_2") if n in sets), None)
    vector = widest.upper().replace("512F", "-512").replace("_", ".") if widest else "no AVX"
    return f"{vector} {'with' if has_vnni(environment) else 'without'} VNNI"
