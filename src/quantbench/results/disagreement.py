"""Find runtimes that compute one file differently; docs/measuring.md explains the thresholds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from quantbench.results.records import Unlike
from quantbench.samples.records import Array, Arrays

APART = 2.0
"""Factor over the error of quantization: independent roundings are only sqrt(2) of it apart."""
ROUNDING = 1e-3
"""Share of float32's spread: two orders of summing float32 numbers differ by far less."""


@dataclass(frozen=True)
class Accused:
    """A runtime that computes something else than the one nearest to float32, and how far off."""

    index: int
    words: str
    unlike: Unlike


def disagreements(
    runtimes: Sequence[str], outputs: Sequence[Arrays], float_outputs: Arrays
) -> Iterator[Accused]:
    """Yield each runtime that computes something else, with a sentence that says so.

    `outputs` holds, for each of `runtimes`, the network's outputs [N, ...] from the same artifact;
    `float_outputs` are those of float32. They are compared output by output, and a runtime is named
    for the first in which it differs. The runtime nearest to float32 is the reference: its distance
    from float32 is the error of quantization, and a runtime that differs from it by more than APART
    times that does something else as well.
    """
    accused = set[int]()
    for number, expected in enumerate(float_outputs):
        which = f" {number}" if len(float_outputs) > 1 else ""
        at_output = [each[number] for each in outputs]
        for disagreement in _of_output(runtimes, at_output, expected, which):
            if disagreement.index not in accused:
                yield disagreement
            accused.add(disagreement.index)


def _of_output(
    runtimes: Sequence[str], outputs: Sequence[Array], expected: Array, which: str
) -> Iterator[Accused]:
    distances = [_rms(answers - expected) for answers in outputs]
    nearest = int(np.argmin(distances))
    spread = _rms(expected - expected.mean(0))
    bound = max(APART * distances[nearest], ROUNDING * spread)
    for index, (runtime, answers) in enumerate(zip(runtimes, outputs, strict=True)):
        difference = _rms(answers - outputs[nearest])
        if difference > bound:
            unlike = Unlike(runtime=runtimes[nearest], apart=difference, error=distances[nearest])
            yield Accused(
                index,
                f"{runtime} and {runtimes[nearest]} answer this file differently: their outputs"
                f"{which} are {difference:.2g} apart, those of {runtimes[nearest]} only "
                f"{distances[nearest]:.2g} from float32's (root mean squares), so one of them "
                "doesn't compute what the file says",
                unlike,
            )


def _rms(values: Array) -> float:
    return float(np.sqrt(np.square(values, dtype=np.float64).mean()))
