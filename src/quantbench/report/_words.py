"""How numbers and verdicts are written, the same in every table and sentence."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import Literal

import numpy as np

from quantbench.environment import has_vnni
from quantbench.records import AgainstFloat, Coverage, Environment, Latency, Ratio, Row

IMAGES = 10_000
"""What the source report timed; every total is for so many images."""
NONE = "–"
ALPHA = 0.05

Kind = Literal["model", "end_to_end"]


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
    return f"{row.method} on {row.runtime}"


def covered(coverage: Coverage) -> str:
    if not coverage.float_macs:
        return "every multiply-add on integers"
    return f"{percent(coverage.float_share)} of multiply-adds stay float"


def accuracy_verdict(only_float_right: int, only_this_right: int, p: float) -> str:
    if p >= ALPHA:
        return "no difference shown"
    return "worse" if only_float_right > only_this_right else "better"


def verdict(against: AgainstFloat) -> str:
    return accuracy_verdict(against.only_float_right, against.only_this_right, against.mcnemar_p)


def small(row: Row) -> Latency | None:
    """One image at a time, model only."""
    return next((x for x in row.latency if x.kind == "model" and x.batch == 1), None)


def large(row: Row, kind: Kind) -> Latency | None:
    """At the largest batch, on the fewest threads."""
    found = [x for x in row.latency if x.kind == kind and x.batch > 1]
    return max(found, key=lambda x: (x.batch, -x.threads), default=None)


def speed_of(row: Row, latency: Latency | None) -> Ratio | None:
    if latency is None or row.against_float is None:
        return None
    return _find(row.against_float.speed, latency)


def _find(ratios: tuple[Ratio, ...], latency: Latency) -> Ratio | None:
    wanted = (latency.batch, latency.threads, latency.kind)
    return next((x for x in ratios if (x.batch, x.threads, x.kind) == wanted), None)


def shown(row: Row) -> tuple[Latency, ...]:
    """The latencies that stand in the table of times."""
    found = (small(row), large(row, "model"), large(row, "end_to_end"))
    return tuple(latency for latency in found if latency is not None)


def fastest_of(row: Row, latency: Latency | None) -> Ratio | None:
    """Against the fastest float32 of any engine."""
    return None if latency is None else _find(row.against_fastest, latency)


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
