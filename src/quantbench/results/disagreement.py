"""Runtimes that answer one file differently: docs/measuring.md says from where on, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

APART = 2.0
"""Times what quantizing did: roundings that have nothing in common are only sqrt(2) times apart."""
ROUNDING = 1e-3
"""Of float32's spread: what two orders of adding float32 numbers stay far below."""

Logits = NDArray[np.float32]


def disagreements(
    runtimes: Sequence[str], logits: Sequence[Logits], float_logits: Logits
) -> Iterator[tuple[int, str]]:
    """Places in `runtimes` whose answers can't be the same file's, each with the words for it.

    `logits`, float32 [N, K], are of one artifact. The runtime nearest to float32 is what the
    others are compared with: its distance from float32 is what quantizing did, and another that
    differs from it by twice as much does something else as well.
    """
    distances = [_rms(answers - float_logits) for answers in logits]
    nearest = int(np.argmin(distances))
    spread = _rms(float_logits - float_logits.mean(0))
    bound = max(APART * distances[nearest], ROUNDING * spread)
    for place, (runtime, answers) in enumerate(zip(runtimes, logits, strict=True)):
        difference = _rms(answers - logits[nearest])
        if difference > bound:
            yield (
                place,
                f"{runtime} and {runtimes[nearest]} answer this file differently: their logits "
                f"are {difference:.2g} apart, those of {runtimes[nearest]} only "
                f"{distances[nearest]:.2g} from float32's (root mean squares), so one of them "
                "doesn't compute what the file says",
            )


def _rms(values: Logits) -> float:
    return float(np.sqrt(np.square(values, dtype=np.float64).mean()))
