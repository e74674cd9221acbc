"""Samples that two splits share, and splits that share none: told by a hash of each sample."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quantbench.errors import SamplesError
from quantbench.samples.records import Array, Arrays, Samples, as_stored
from quantbench.samples.stream import writing_rows

_DIGEST = 16
"""Bytes of a sample's hash: two samples of a million share one by chance once in 10^26 tries."""
_BATCH_BYTES = 16 * 2**20
_IN_MEMORY = 256 * 2**20
_PAIRS = 5
_PROBES = 8


@dataclass(frozen=True)
class Shared:
    """The number of samples that are repeated, and the first few as pairs of indices."""

    count: int
    pairs: tuple[tuple[int, int], ...]


def sample_hashes(samples: Samples) -> NDArray[np.bytes_]:
    """A hash of the inputs of each sample, as the network sees them: S16 [N].

    Targets don't count: the same inputs with another label are the same sample.
    """
    digests = np.empty(len(samples), f"S{_DIGEST}")
    for start, inputs in _slices(samples):
        for offset in range(len(inputs[0])):
            digest = hashlib.blake2b(digest_size=_DIGEST)
            for array in inputs:
                digest.update(array[offset].tobytes())
            digests[start + offset] = digest.digest()
    return digests


def shared_between(first: Samples, second: Samples) -> Shared:
    """The samples of `second` that `first` holds too; a pair is (index in first, in second)."""
    hashes, others = sample_hashes(first), sample_hashes(second)
    distinct, positions = np.unique(hashes, return_index=True)
    again = np.flatnonzero(np.isin(others, distinct))
    places = np.searchsorted(distinct, others[again[:_PAIRS]])
    pairs = zip(positions[places].tolist(), again[:_PAIRS].tolist(), strict=True)
    return Shared(len(again), tuple(pairs))


def duplicates(samples: Samples) -> Shared:
    """The samples that an earlier one of the same split equals; a pair is (earlier, later)."""
    _, positions, distinct = np.unique(
        sample_hashes(samples), return_index=True, return_inverse=True
    )
    earliest = positions[distinct]
    again = np.flatnonzero(earliest != np.arange(len(samples)))
    pairs = zip(earliest[again[:_PAIRS]].tolist(), again[:_PAIRS].tolist(), strict=True)
    return Shared(len(again), tuple(pairs))


def held_out(
    samples: Samples, part: int | float, seed: int, folder: Path, *, name: str = "calibration"
) -> tuple[Samples, Samples]:
    """Split off `part` of the samples, drawn with `seed`: the rest, and the part called `name`.

    `part` is a number of samples (int), or a share of them (float, below 1). The rest keeps its
    order; the part has the order of the draw, so that its first samples are a fair draw as well.
    A split of over 256 MiB is written to `folder` instead of memory. Raises SamplesError where
    the part or the rest would be empty.
    """
    total = len(samples)
    count = part if isinstance(part, int) else round(part * total)
    if not 0 < count < total:
        raise SamplesError(
            f"{count} of the {total} samples of {samples.name} can't be held out; "
            f"hold out between 1 and {total - 1}"
        )
    order = np.random.default_rng(seed).permutation(total)
    rest, held = np.sort(order[count:]), order[:count]
    return (
        taken(samples, rest, folder / "rest"),
        replace(taken(samples, held, folder / "held out"), name=name),
    )


def common_classes(*splits: Samples) -> tuple[str, ...]:
    """The names of the classes that the splits agree on; () where none of them names any.

    Raises SamplesError where two splits name different classes: class i would mean two things.
    """
    named = [samples for samples in splits if samples.classes]
    for samples in named[1:]:
        if samples.classes != named[0].classes:
            differ = sorted({*samples.classes} ^ {*named[0].classes}) or ["their order"]
            raise SamplesError(
                f"{samples.name} and {named[0].name} name different classes "
                f"({', '.join(differ[:5])}); give the list of all classes"
            )
    return named[0].classes if named else ()


def preparation_sha256(samples: Samples) -> str:
    """Identify how stored samples become inputs, by the inputs that the first of them give.

    "" where they are stored as the network takes them.
    """
    if samples.prepare is as_stored:
        return ""
    digest = hashlib.sha256()
    for array in samples.inputs(0, _PROBES):
        digest.update(f"{array.dtype.str} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def taken(samples: Samples, index: NDArray[np.int64], folder: Path) -> Samples:
    """The samples at `index`, int64 [n], in that order.

    They're copied to memory, or to .npy files in `folder` where they are over 256 MiB.
    """
    targets = None if samples.targets is None else np.asarray(samples.targets[index])
    size = sum(_sample_bytes(array) for array in samples.stored)
    if size * len(index) <= _IN_MEMORY:
        stored: Arrays = tuple(np.asarray(array[index]) for array in samples.stored)
        for array in (*stored, *(() if targets is None else (targets,))):
            array.setflags(write=False)
        return replace(samples, stored=stored, targets=targets)
    step = max(1, _BATCH_BYTES // size)
    with writing_rows(folder, samples.name) as writer:
        for start in range(0, len(index), step):
            rows = index[start : start + step]
            writer.append(tuple(np.asarray(array[rows]) for array in samples.stored), None)
        written = writer.finish()
    return replace(samples, stored=written.inputs, targets=targets)


def _slices(samples: Samples) -> Iterator[tuple[int, Arrays]]:
    """Yield the inputs in slices of bounded size, each with the index of its first sample."""
    size = sum(_sample_bytes(array) for array in samples.inputs(0, 1))
    step = max(1, _BATCH_BYTES // max(size, 1))
    for start in range(0, len(samples), step):
        yield start, samples.inputs(start, start + step)


def _sample_bytes(array: Array) -> int:
    """Bytes of one sample of an array."""
    return array.dtype.itemsize * int(np.prod(array.shape[1:], dtype=np.int64))
