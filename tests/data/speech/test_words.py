"""Speech Commands from a folder of the user's, in its official splits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from quantbench.data import speech_commands, speech_commands_mfcc
from quantbench.errors import DataFileError
from quantbench.samples.mfcc import mfcc
from tests.samples.test_wav import write

SPLITS = {"train": ["yes/a.wav", "yes/b.wav", "bed/a.wav"], "calibration": ["bed/b.wav"],
          "test": ["bed/c.wav", "zero/a.wav"]}  # fmt: skip


def sound(name: str) -> np.ndarray:
    seed = sum(name.encode())
    return np.random.default_rng(seed).integers(-(2**15), 2**15, 16_000).astype(np.int16)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QUANTBENCH_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "speech"
    for name in (name for names in SPLITS.values() for name in names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        write(root / name, sound(name))
    (root / "_background_noise_").mkdir()
    write(root / "_background_noise_" / "noise.wav", np.zeros(10, np.int16))
    (root / "validation_list.txt").write_text("bed/b.wav\n../../etc/passwd\n")
    (root / "testing_list.txt").write_text("\n".join(SPLITS["test"]))
    return root


def test_sound_in_the_official_splits(folder: Path) -> None:
    splits = speech_commands.load(folder, offline=True, log=print)
    assert splits.train is not None
    for split, samples in zip(SPLITS, (splits.train, splits.calibration, splits.test), strict=True):
        names = sorted(SPLITS[split])
        (inputs,) = samples.inputs()
        assert inputs.shape == (len(names), 1, 16_000)
        assert inputs.dtype == np.float32
        assert np.array_equal(inputs[:, 0], np.stack([sound(n) for n in names]) / 2**15)
        assert samples.targets is not None
        words = [samples.classes[target] for target in samples.targets]
        assert words == [name.split("/")[0] for name in names]


def test_coefficients_of_the_same_sound(folder: Path) -> None:
    splits = speech_commands_mfcc.load(folder, offline=True, log=print)
    (inputs,) = splits.calibration.inputs()
    assert inputs.shape == (1, 1, 49, 10)
    assert np.array_equal(inputs[0], mfcc(sound("bed/b.wav")[np.newaxis]))


def test_thirty_five_words() -> None:
    assert len({*speech_commands.CLASSES}) == 35
    assert sorted(speech_commands.CLASSES) == list(speech_commands.CLASSES)


def test_a_damaged_recording_and_missing_lists_are_named(folder: Path) -> None:
    (folder / "bed" / "b.wav").write_bytes(b"RIFF")
    with pytest.raises(DataFileError, match=r"bed/b\.wav is no WAV file, or damaged"):
        speech_commands.load(folder, offline=True, log=print)
    (folder / "testing_list.txt").write_text("")
    with pytest.raises(DataFileError, match="holds no recording for test; put a folder of WAV"):
        speech_commands.load(folder, offline=True, log=print)
    (folder / "testing_list.txt").write_bytes(b"\xff")
    with pytest.raises(DataFileError, match=r"testing_list\.txt can't be read .*; put a folder"):
        speech_commands.load(folder, offline=True, log=print)
