"""Find runtimes that compute one file differently; docs/measuring.md explains the thresholds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

APART = 2.0
"""Factor over the error of quantization: independent roundings are only sqrt(2) of it apart."""
ROUNDING = 1e-3
"""Share of float32's spread: two orders of summing float32 numbers differ by far less."""

Logits = NDArray[np.float32]


def disagreements(
    runtimes: Sequence[str], logits: Sequence[Logits], float_logits: Logits
) -> Iterator[tuple[int, str]]:
    """Yield the index of each runtime that computes something else, with a sentence that says so.

    `logits` holds, for each of `runtimes`, the float32 [N, K] logits of the same artifact;
    `float_logits` are those of float32. The runtime nearest to float32 is the reference: its
    distance from float32 is the error of quantization, and a runtime that differs from it by more
    than APART times that does something else as well.
    """
    distances = [_rms(answers - float_logits) for answers in logits]
    nearest = int(np.argmin(distances))
    spread = _rms(float_logits - float_logits.mean(0))
    bound = max(APART * distances[nearest], ROUNDING * spread)
    for index, (runtime, answers) in enumerate(zip(runtimes, logits, strict=True)):
        difference = _rms(answers - logits[nearest])
        if difference > bound:
            yield (
                index,
                f"{runtime} and {runtimes[nearest]} answer this file differently: their logits "
                f"are {difference:.2g} apart, those of {runtimes[nearest]} only "
                f"{distances[nearest]:.2g} from float32's (root mean squares), so one of them "
                "doesn't compute what the file says",
            )


def _rms(values: Logits) -> float:
    return float(np.sqrt(np.square(values, dtype=np.float64).mean()))
