"""The numerical error of one layer, summed batch by batch, and histograms of its numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from quantbench.explain.error.output_format import OutputFormat
from quantbench.explain.records import Histogram, LayerError

Array: TypeAlias = NDArray[Any]
Real: TypeAlias = NDArray[np.float64]

MAX_DB = 200.0
"""The name of an error of nothing: float32 itself rounds at some 150 dB."""
BINS = 64


def decibels(signal: float, error: float) -> float:
    """10 log10(signal / error), within +-MAX_DB; nothing lost of nothing is MAX_DB."""
    if error == 0:
        return MAX_DB
    if signal == 0:
        return -MAX_DB
    return float(np.clip(10 * np.log10(signal / error), -MAX_DB, MAX_DB))


@dataclass
class ErrorSums:
    """The sums behind one layer's LayerError; `add` takes a batch.

    `axis` is that of the channels in the layer's output.
    """

    format: OutputFormat | None
    axis: int
    stated: int | None = None
    """The number of integers that the method keeps to, where it says so: 128 of 256 for 7 bits."""
    signal: Real = field(default_factory=lambda: np.zeros(1))
    """Sums of squares by channel [C]: of float32's values, and of what the layer makes wrong."""
    made: Real = field(default_factory=lambda: np.zeros(1))
    error: float = 0.0
    power: float = 0.0
    product: float = 0.0
    largest: float = 0.0
    clipped: int = 0
    count: int = 0
    least: Real | None = None
    """The least and greatest of each channel: of float32's values, then of the quantized ones."""
    greatest: Real | None = None
    used: set[int] = field(default_factory=set)

    def add(self, expected: Array, given: Array, made: Array) -> None:
        """Add a batch: float32's values, the quantized graph's, and those of the layer alone.

        The latter two are integers of the format, where there is one. Numbers that aren't finite,
        such as a mask's, are left out.
        """
        if self.format is not None:
            self.used.update(np.unique(given).tolist())
            given, made = self.format.dequantized(given), self.format.dequantized(made)
        expected, given, made = (a.astype(np.float64) for a in (expected, given, made))
        finite = np.isfinite(expected) & np.isfinite(given) & np.isfinite(made)
        if not finite.all():
            expected, given, made = (np.where(finite, a, 0) for a in (expected, given, made))
        difference = given - expected
        self.count += expected.size
        self.error += float(np.square(difference).sum())
        self.power += float(np.square(given).sum())
        self.product += float((given * expected).sum())
        self.signal = self.signal + self._by_channel(np.square(expected)).sum(1)
        self.made = self.made + self._by_channel(np.square(made - expected)).sum(1)
        self._vary(np.stack([self._by_channel(expected), self._by_channel(given)]))
        if self.format is not None:
            self._steps(self.format, expected, difference)

    def result(self, layer: str, kind: str) -> LayerError:
        """The record of all that was added."""
        signal, made = float(self.signal.sum()), float(self.made.sum())
        norm = np.sqrt(signal * self.power)
        constant = self._constant()
        levels = 0 if self.format is None else self.stated or self.format.levels
        loud = self.signal > 0  # a channel of zeros has no error either
        by_channel = [
            decibels(*each) for each in zip(self.signal[loud], self.made[loud], strict=True)
        ]
        return LayerError(
            layer=layer,
            kind=kind,
            sqnr_db=decibels(signal, self.error),
            made_db=decibels(signal, made),
            channel_db=float(np.median(by_channel)) if by_channel else None,
            cosine=self.product / float(norm) if norm else float(signal == self.power),
            largest_steps=self.largest,
            clipped=self.clipped / max(self.count, 1),
            levels_used=min(len(self.used), levels),
            levels=levels,
            constant_channels=int(constant[1].sum()),
            constant_in_float=int(constant[0].sum()),
            channels=constant.shape[1],
        )

    def _by_channel(self, values: Array) -> Array:
        """The values as [C, the rest]."""
        if values.ndim <= self.axis:
            return values.reshape(1, -1)
        return np.moveaxis(values, self.axis, 0).reshape(values.shape[self.axis], -1)

    def _vary(self, both: Real) -> None:
        least, greatest = both.min(2), both.max(2)
        self.least = least if self.least is None else np.minimum(self.least, least)
        self.greatest = greatest if self.greatest is None else np.maximum(self.greatest, greatest)

    def _constant(self) -> NDArray[np.bool_]:
        if self.least is None or self.greatest is None:
            return np.zeros((2, 0), np.bool_)
        return np.asarray(self.least == self.greatest)

    def _steps(self, format: OutputFormat, expected: Real, difference: Real) -> None:
        scale, low, high = (
            format.along(figures, expected.ndim)
            for figures in (format.scale, format.low, format.high)
        )
        self.largest = max(self.largest, float(np.abs(difference / scale).max(initial=0)))
        outside = (expected < low - scale / 2) | (expected > high + scale / 2)
        self.clipped += int(outside.sum())


@dataclass
class Spread:
    """The least and greatest of a tensor's numbers, batch by batch."""

    low: float = np.inf
    high: float = -np.inf

    def add(self, values: Array) -> None:
        """Take a batch into account; numbers that aren't finite are left out."""
        finite = values[np.isfinite(values)]
        if finite.size:
            self.low = min(self.low, float(finite.min()))
            self.high = max(self.high, float(finite.max()))


@dataclass
class Counts:
    """A histogram of BINS equal bins, filled batch by batch, between the ends of a Spread."""

    edges: Real
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))

    @classmethod
    def within(cls, spread: Spread) -> Counts:
        """An empty histogram; a tensor of one number gets bins around it."""
        low, high = (spread.low, spread.high) if spread.low <= spread.high else (0.0, 0.0)
        if high - low <= abs(low) * 1e-9:
            margin = max(abs(low), 1.0) / 2
            low, high = low - margin, high + margin
        return cls(np.linspace(low, high, BINS + 1))

    @classmethod
    def of(cls, values: Array) -> Counts:
        """The histogram of one array."""
        spread = Spread()
        spread.add(values)
        counts = cls.within(spread)
        counts.add(values)
        return counts

    def add(self, values: Array) -> None:
        """Count a batch."""
        finite = values[np.isfinite(values)].astype(np.float64)
        self.counts += np.histogram(finite, self.edges)[0]

    def result(self, tensor: str, layer: str, what: str, format: OutputFormat) -> Histogram:
        """The record, with the range of the format: the widest of its channels'."""
        return Histogram(
            tensor=tensor,
            layer=layer,
            what="weights" if what == "weights" else "activations",
            edges=tuple(map(float, self.edges)),
            counts=tuple(map(int, self.counts)),
            low=float(format.low.min()),
            high=float(format.high.max()),
        )
