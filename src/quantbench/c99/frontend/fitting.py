"""Coarser weights for channels whose sums exceed 32 bits, where the output can't show a difference.

docs/arithmetic.md, "Dead channels", derives the bounds. Channels whose sums fit stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.ir.graph import Tensor
from quantbench.c99.nodes.layer import zero_points_of_outputs
from quantbench.numerics.fixed_point import WORD

_SPREAD = 255
"""The largest |q - Zx|."""
_PART_OF_STEP = Fraction(1, 4)
_PART_OF_BIAS = Fraction(1, 2**12)


@dataclass(frozen=True)
class Span:
    """The range of one output channel in real numbers, and the step between two of them."""

    step: Fraction
    low: Fraction
    high: Fraction


@dataclass(frozen=True, eq=False)
class Affine:
    """The sums of a layer, by output channel: scale * (bias + sum q w')."""

    weights: NDArray[Any]
    """[O, ...]"""
    scale: tuple[Fraction, ...]
    bias: tuple[Fraction, ...]


@dataclass(frozen=True, eq=False)
class _Channel:
    """The sum of one output channel: scale * (bias + sum q w')."""

    weights: NDArray[np.int64]
    scale: Fraction
    bias: Fraction

    @property
    def reach(self) -> int:
        """The most that inputs can add to the bias, in units of the accumulator."""
        return _SPREAD * int(np.abs(self.weights).sum())


def fitted(core: Affine, input: Tensor, places: int, spans: Sequence[Span] | None) -> Affine:
    """The layer with coarser integers in each channel whose sums would leave 32 bits.

    `places`: how many accumulators are summed before rounding. `spans`: the ranges of the output's
    channels; None where the sums themselves are the output. Channels for which no coarser integers
    are accurate enough stay unchanged.
    """
    flat = np.asarray(core.weights, np.int64).reshape(len(core.weights), -1)
    totals, sizes = flat.sum(axis=1).tolist(), np.abs(flat).sum(axis=1).tolist()
    zero_points = zero_points_of_outputs(input, len(flat)).tolist()
    inputs = [replace(input, zero_point=zero, raised=()) for zero in zero_points]
    starts = zip(core.bias, totals, sizes, inputs, strict=True)
    unfit = [at for at, start in enumerate(starts) if _most(*start) * places >= WORD]
    if not unfit:
        return core
    weights, scale, bias = flat.copy(), [*core.scale], [*core.bias]
    for at in unfit:
        channel = _Channel(flat[at], scale[at], bias[at])
        fit = _fitting(channel, inputs[at], places, spans[at] if spans else None)
        weights[at], scale[at], bias[at] = fit.weights, fit.scale, fit.bias
    factors = weights.reshape(core.weights.shape).astype(np.int16)
    return replace(core, weights=factors, scale=tuple(scale), bias=tuple(bias))


def moved(fine: Affine, coarse: Affine, spans: Sequence[Span] | None) -> tuple[float, ...]:
    """The largest change of a real result within the output's range, for each channel.

    It is the tolerance that `fitted` applies to a channel that it changes, 0 for the others. ()
    stands for no changed channel.
    """
    if coarse is fine:
        return ()
    steps = [span.step for span in spans] if spans else [Fraction(0)] * len(fine.scale)
    allowed = [
        _PART_OF_STEP * step if spans else _PART_OF_BIAS * abs(bias) * scale
        for bias, scale, step in zip(fine.bias, fine.scale, steps, strict=True)
    ]
    same = [before == after for before, after in zip(fine.scale, coarse.scale, strict=True)]
    return tuple(0.0 if kept else float(e) for kept, e in zip(same, allowed, strict=True))


def _most(bias: Fraction, total: int, size: int, input: Tensor) -> int:
    """A bound of every partial sum, with the input's values held as signed or unsigned."""
    start, low = round(bias) - input.zero_point * total, input.to_unsigned
    return max(abs(start) + max(low, _SPREAD - low) * size, abs(start - low * total) + 255 * size)


def _fitting(channel: _Channel, input: Tensor, places: int, span: Span | None) -> _Channel:
    """The channel in coarser integers, or itself where none that fit are accurate enough."""
    end = _end(channel, span) if span else None
    if span and end is not None:
        none = np.zeros_like(channel.weights)
        constant = _Channel(none, channel.scale, end / channel.scale)
        coarse = _within_word(constant, input, places)
        if _error(constant, coarse) <= span.step + channel.scale:
            return coarse
    coarse = _within_word(channel, input, places)
    allowed = _PART_OF_BIAS * abs(channel.bias) * channel.scale
    if span:
        allowed = _PART_OF_STEP * span.step
    return coarse if _error(channel, coarse) <= allowed else channel


def _end(channel: _Channel, span: Span) -> Fraction | None:
    """A real number beyond the output's range, if every result of the channel lies beyond it."""
    real, reach = channel.bias * channel.scale, channel.reach * channel.scale
    if real - reach >= span.high:
        return span.high + span.step + channel.scale
    return span.low - span.step - channel.scale if real + reach <= span.low else None


def _within_word(channel: _Channel, input: Tensor, places: int) -> _Channel:
    """The channel in the smallest units, powers of two times its own, in which its sums fit."""
    coarse = channel
    most = _most_of(channel, input) * places
    factor = 2 ** max(0, most.bit_length() - WORD.bit_length() + 1)
    while _most_of(coarse, input) * places >= WORD:
        coarse = _coarser(channel, factor)
        factor *= 2
    return coarse


def _most_of(channel: _Channel, input: Tensor) -> int:
    weights = channel.weights
    return _most(channel.bias, int(weights.sum()), int(np.abs(weights).sum()), input)


def _coarser(channel: _Channel, factor: int) -> _Channel:
    """The channel with its integers in units `factor` times larger."""
    weights = np.rint(channel.weights / min(factor, 2**20)).astype(np.int64)
    return _Channel(weights, channel.scale * factor, channel.bias / factor)


def _error(channel: _Channel, coarse: _Channel) -> Fraction:
    """A bound of the difference between the real results, with the rounding of the bias."""
    factor = coarse.scale / channel.scale
    apart = sum(
        abs(fine - factor * rough) * times
        for (fine, rough), times in _pairs(channel.weights, coarse.weights)
    )
    return channel.scale * (_SPREAD * apart + factor / 2)


def _pairs(fine: NDArray[np.int64], coarse: NDArray[np.int64]) -> list[tuple[tuple[int, int], int]]:
    """The distinct pairs of weights that stand at one position, each with its count."""
    pairs, counts = np.unique(np.stack([fine, coarse], axis=1), axis=0, return_counts=True)
    return [((a, b), n) for (a, b), n in zip(pairs.tolist(), counts.tolist(), strict=True)]
