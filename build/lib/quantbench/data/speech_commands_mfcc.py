"""Speech Commands as 49 frames of 10 cepstral coefficients: float32 [1, 49, 10]."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quantbench.data.speech import words
from quantbench.samples.mfcc import mfcc
from quantbench.samples.records import as_stored
from quantbench.samples.splits import SampleSplits

TITLE = f"{words.TITLE} (MFCC)"
CLASSES = words.WORDS


def load(folder: Path | None, *, offline: bool, log: Callable[[str], None]) -> SampleSplits:
    return words.load(folder, words.Form(TITLE, "mfcc", __name__, _one_channel, as_stored))


def _one_channel(sound: NDArray[np.int16]) -> NDArray[np.float32]:
    return mfcc(sound)[:, np.newaxis]
