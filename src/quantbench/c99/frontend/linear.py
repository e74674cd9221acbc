"""Conv and Dense nodes: bias and zero points folded, bounds proved."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.frontend.values import FREE, Limits, Sums
from quantbench.c99.ir.graph import (
    LIMITS,
    Conv,
    Dense,
    Requantize,
    Tensor,
)
from quantbench.numerics.fixed_point import (
    WORD,
    Multiplier,
    accumulator_bounds,
    folded_bias,
    multiplier,
    require_word,
)


def averaged(core: Sums) -> int:
    """The places whose sum is rounded once."""
    pooling = core.pooling
    return math.prod(pooling.window.kernel) if pooling and pooling.kind == "average" else 1


def commuting(core: Sums, limits: Limits) -> tuple[Sums, Limits]:
    """Limits of the sums and of the result. Rounding keeps order: unless an average stands
    between, the former are limits of the result as well.
    """
    if averaged(core) > 1:
        return core, limits
    return replace(core, limits=FREE), core.limits.then(limits)


def multipliers(core: Sums, steps: Sequence[Fraction]) -> tuple[Multiplier, ...]:
    """To an output in steps of one size, or one for each channel: one for all where one does."""
    every = steps if len(steps) > 1 else (*steps,) * len(core.scale)
    factors = [
        scale / (averaged(core) * step) for scale, step in zip(core.scale, every, strict=True)
    ]
    some = factors[:1] if len({*factors}) == 1 else factors
    return tuple(multiplier(factor, core.where) for factor in some)


def node(core: Sums, input: Tensor, output: str, requantize: Requantize | None) -> Conv | Dense:
    """Raises CompileError where a sum may leave 32 bits."""
    require_word(max(abs(round(bias)) for bias in core.bias), core.where)
    factors = np.asarray(core.weights, np.int16)
    weights = factors.astype(np.int64)
    starts = folded_bias(list(core.bias), weights, input.zero_point)
    require_word(max(abs(start) for start in starts), core.where)
    start = np.array(starts, np.int64)
    lowest, highest, most = accumulator_bounds(start, weights, *LIMITS[input.type])
    require_word(int(most.max()) * averaged(core), core.where)
    low, high = (
        None if limit is None else _in_steps(limit, core.scale)
        for limit in (core.limits.low, core.limits.high)
    )
    low = None if low is None or (lowest >= low).all() else low
    high = None if high is None or (highest <= high).all() else high
    short = start.astype(np.int32)
    if core.window is None:
        return Dense(core.where, core.input, output, factors, short, low, high, requantize)
    return Conv(
        name=core.where,
        input=core.input,
        output=output,
        weights=factors,
        start=short,
        window=core.window,
        groups=core.groups,
        padding=input.zero_point,
        low=low,
        high=high,
        pooling=core.pooling,
        requantize=requantize,
    )


def _in_steps(limit: Fraction, scales: tuple[Fraction, ...]) -> NDArray[np.int32]:
    """Beyond a word no sum goes."""
    steps = [min(max(round(limit / scale), -WORD), WORD - 1) for scale in scales]
    return np.array(steps, np.int32)
