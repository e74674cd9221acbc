"""The least time that this CPU could take for a row, and which of its limits that is."""

from __future__ import annotations

from collections.abc import Sequence

from quantbench.explain.peaks import CacheSizes, cache_sizes
from quantbench.explain.records import Limit, Peaks
from quantbench.numerics.coverage import LayerNumerics
from quantbench.system.machine import cores


def limit_of(
    layers: Sequence[LayerNumerics],
    weights: int,
    batch: int,
    threads: int,
    total_us: float,
    peaks: Peaks,
    sizes: CacheSizes | None = None,
) -> Limit:
    """The limit of a call that takes `total_us` microseconds for `batch` samples.

    `layers`: those that multiply, in the formats of the artifact's file. `weights`: their bytes,
    which every call reads once, from the level of memory that holds them all. Arithmetic is
    shared by as many cores as there are `threads`; the two limits overlap, so the larger holds.
    """
    workers = max(1, min(threads, cores()))
    integer = sum(layer.macs for layer in layers if layer.integer)
    float_ = sum(layer.macs for layer in layers if not layer.integer)
    compute = integer / best(peaks, "int8") + float_ / best(peaks, "float32")
    compute_us = compute * batch / workers
    memory_us = weights / peaks.bytes_per_us[_level(weights, sizes or cache_sizes())]
    least = max(compute_us, memory_us)
    return Limit(
        compute_us=compute_us,
        memory_us=memory_us,
        bound_by="compute" if compute_us >= memory_us else "memory",
        share=min(least / total_us, 1.0),
    )


def best(peaks: Peaks, format: str) -> float:
    """The most multiply-adds in a microsecond of any instruction set: of "int8" or "float32"."""
    return max(peak for name, peak in peaks.macs_per_us.items() if format in name.split())


def _level(weights: int, sizes: CacheSizes) -> str:
    """The memory that weights are read from, call after call: the smallest that holds them."""
    if weights <= sizes.l1:
        return "l1"
    return "l2" if weights <= sizes.l2 else "memory"
