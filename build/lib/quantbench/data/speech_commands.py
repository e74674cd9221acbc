"""Speech Commands as sound: a second of 16,000 values, float32 [1, 16000] in -1..1."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from quantbench.data.speech import words
from quantbench.samples.records import Arrays
from quantbench.samples.splits import SampleSplits

TITLE = words.TITLE
CLASSES = words.WORDS


def load(folder: Path | None, *, offline: bool, log: Callable[[str], None]) -> SampleSplits:
    return words.load(folder, words.Form(TITLE, "sound", __name__, np.asarray, _scaled))


def _scaled(arrays: Arrays) -> Arrays:
    (sound,) = arrays
    return (sound.astype(np.float32)[:, np.newaxis] / np.float32(2**15),)
