"""WAV files: one form is read, every other is named with its path."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from quantbench.errors import DataFileError
from quantbench.samples.wav import read_wav

SOUND = np.arange(-50, 50, dtype=np.int16) * 300


def write(path: Path, sound: np.ndarray = SOUND, rate: int = 16_000, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(sound.dtype.itemsize)
        file.setframerate(rate)
        file.writeframes(sound.tobytes())
    return path


def test_a_recording_is_cut_or_filled_with_zeros(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav")
    assert read_wav(path, 16_000, 100).tolist() == SOUND.tolist()
    assert read_wav(path, 16_000, 60).tolist() == SOUND[:60].tolist()
    assert read_wav(path, 16_000, 103).tolist() == [*SOUND, 0, 0, 0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate": 8_000}, "has 1 channels of 16 bits at 8000 Hz; one channel of 16 bits at 16000"),
        ({"channels": 2}, "has 2 channels of 16 bits"),
        ({"sound": SOUND.astype(np.uint8)}, "has 1 channels of 8 bits"),
    ],
)
def test_another_form_is_named(tmp_path: Path, options: dict[str, int], message: str) -> None:
    path = write(tmp_path / "a.wav", **options)  # type: ignore[arg-type]
    with pytest.raises(DataFileError, match=message) as caught:
        read_wav(path, 16_000, 100)
    assert str(caught.value).startswith(str(path))


def test_damaged_files(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav")
    sound = path.read_bytes()
    for content, message in (
        (b"", "is no WAV file, or damaged"),
        (b"RIFF\xff\xff\xff\xffWAVE", "is no WAV file, or damaged"),
        (sound[:30], "is no WAV file, or damaged"),
        (sound[:-20], "is truncated: 90 of 100 values"),
        (bytes(16 * 2**20 + 1), "is over 16 MiB"),
    ):
        path.write_bytes(content)
        with pytest.raises(DataFileError, match=message):
            read_wav(path, 16_000, 100)
    with pytest.raises(DataFileError, match="can't be read"):
        read_wav(tmp_path / "none.wav", 16_000, 100)
