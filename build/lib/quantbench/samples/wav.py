"""Read WAV files of speech: 16 bits, one channel, a known rate."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quantbench.errors import DataFileError
from quantbench.system.files import read_plain

_MAX_BYTES = 16 * 2**20


def read_wav(path: Path, rate: int, length: int) -> NDArray[np.int16]:
    """The first `length` values of a WAV file, int16 [length]; a shorter one ends in zeros.

    Raises DataFileError, with its path, for a file that is damaged, has another rate than `rate`
    (samples a second), several channels or another width than 16 bits.
    """
    try:
        content = read_plain(path, _MAX_BYTES + 1)
    except OSError as error:
        raise DataFileError(f"{path} can't be read: {error.strerror or error}") from error
    if len(content) > _MAX_BYTES:
        raise DataFileError(f"{path} is over {_MAX_BYTES >> 20} MiB; give a shorter recording")
    try:
        with wave.open(io.BytesIO(content)) as file:
            form = (file.getnchannels(), 8 * file.getsampwidth(), file.getframerate())
            claimed = file.getnframes()
            frames = file.readframes(min(claimed, length))
    except (wave.Error, EOFError, ValueError) as error:
        raise DataFileError(f"{path} is no WAV file, or damaged ({error})") from error
    if form != (1, 16, rate):
        raise DataFileError(
            f"{path} has {form[0]} channels of {form[1]} bits at {form[2]} Hz; "
            f"one channel of 16 bits at {rate} Hz is read"
        )
    if len(frames) != 2 * min(claimed, length):
        raise DataFileError(f"{path} is truncated: {len(frames) // 2} of {claimed} values")
    values = np.zeros(length, np.int16)
    values[: len(frames) // 2] = np.frombuffer(frames, "<i2")
    return values
