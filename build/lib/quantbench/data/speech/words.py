"""Read the folder of Speech Commands: its words, its official splits, its sound."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quantbench.errors import DataFileError
from quantbench.samples.kept import kept, listing_sha256
from quantbench.samples.records import Array, Prepare, Samples
from quantbench.samples.splits import SampleSplits, users_folder
from quantbench.samples.wav import read_wav
from quantbench.system.cache import root as cache_root
from quantbench.system.files import read_plain
from quantbench.system.fingerprint import fingerprint

TITLE = "Speech Commands"
WORDS = (
    "backward", "bed", "bird", "cat", "dog", "down", "eight", "five", "follow", "forward", "four",
    "go", "happy", "house", "learn", "left", "marvin", "nine", "no", "off", "on", "one", "right",
    "seven", "sheila", "six", "stop", "three", "tree", "two", "up", "visual", "wow", "yes", "zero",
)  # fmt: skip
RATE = 16_000
_LISTS = {"calibration": "validation_list.txt", "test": "testing_list.txt"}
_HOLDS = "a folder of WAV files for each word, validation_list.txt and testing_list.txt"
_MAX_LIST = 16 * 2**20
_BATCH = 64


@dataclass(frozen=True)
class Form:
    """The way from seconds of sound, int16 [N, 16000], to what is kept, and on to the input."""

    title: str
    name: str
    code: str
    """The module that `keep` is of: what is kept depends on it."""
    keep: Callable[[NDArray[np.int16]], Array]
    """Computed once, and kept."""
    prepare: Prepare
    """Computed from what is kept, slice by slice."""


def load(folder: Path | None, form: Form) -> SampleSplits:
    """The official splits: calibration is the validation list. Raises DataFileError."""
    root = users_folder(form.title, folder, _HOLDS)
    paths = _recordings(root)
    listed = {split: _listed(root / name) for split, name in _LISTS.items()}
    chosen = {
        split: [path for path in paths if _relative(path, root) in names]
        for split, names in listed.items()
    }
    others = listed["calibration"] | listed["test"]
    chosen["train"] = [path for path in paths if _relative(path, root) not in others]
    for split, part in chosen.items():
        if not part:
            raise DataFileError(f"{root} holds no recording for {split}; put {_HOLDS} there")
    return SampleSplits(
        *(_samples(split, root, chosen[split], form) for split in ("train", "calibration", "test"))
    )


def _samples(name: str, root: Path, paths: Sequence[Path], form: Form) -> Samples:
    def batches() -> Iterator[Array]:
        for start in range(0, len(paths), _BATCH):
            part = paths[start : start + _BATCH]
            yield form.keep(np.stack([read_wav(path, RATE, RATE) for path in part]))

    stored = kept(
        cache_root() / "data" / "speech_commands",
        f"{form.name}-{name}",
        {"files": listing_sha256(root, paths), "code": {**fingerprint(__name__, form.code)}},
        batches,
        -(-len(paths) // _BATCH),
    )
    targets = np.array([WORDS.index(path.parent.name) for path in paths], np.int64)
    return Samples(name, (stored,), targets, form.prepare, WORDS)


def _recordings(root: Path) -> list[Path]:
    """The WAV files of every word that is there, sorted by word and name."""
    try:
        return [
            root / word / name
            for word in WORDS
            if (root / word).is_dir()
            for name in sorted(os.listdir(root / word))  # noqa: PTH208 - names are all it takes
            if name.endswith(".wav")
        ]
    except OSError as error:
        raise DataFileError(f"{root} can't be read: {error.strerror or error}") from error


def _listed(path: Path) -> frozenset[str]:
    """The recordings that a list names, as WORD/FILE.wav; the list opens nothing."""
    try:
        content = read_plain(path, _MAX_LIST + 1)
        lines = content.decode().split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataFileError(f"{path} can't be read ({error}); put {_HOLDS} there") from error
    if len(content) > _MAX_LIST:
        raise DataFileError(f"{path} is too large to be a list of recordings")
    return frozenset(line.strip() for line in lines if line.strip())


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()
