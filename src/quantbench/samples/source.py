"""Turn whatever a user names or hands over into samples: files, folders, arrays, loaders."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from quantbench.errors import SamplesError
from quantbench.samples import csv
from quantbench.samples.arrays import from_arrays
from quantbench.samples.convert import shown
from quantbench.samples.images import Preprocessing, from_images
from quantbench.samples.npz import from_npy, from_npz
from quantbench.samples.records import Samples
from quantbench.samples.stream import DEFAULT_LIMIT, Limit, from_batches
from quantbench.samples.structure import is_structure, parts_of

ACCEPTED = (
    "a file .npz, .npy, .csv or .tsv, a folder of images, arrays x or (x, y), a DataLoader, or "
    "any iterable of batches"
)
_BATCH = 64
"""Samples in a batch that is read of a PyTorch data set."""


class InputSpec(Protocol):
    """One input of a network; `shape` is without the batch, and a size below 1 is any size."""

    @property
    def name(self) -> str:
        """The input's name in the network."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample."""

    @property
    def dtype(self) -> str:
        """The name of its dtype."""


@runtime_checkable
class _ArrayLike(Protocol):
    def __array__(self) -> Any: ...


def _unheard(line: str) -> None:
    """Drop a line that nobody asked for."""


@dataclass(frozen=True)
class ReadSpec:
    """Directions for reading a source: where to keep what is written, and what it has to fit."""

    folder: Path
    """The samples' files are kept here as long as the samples are used."""
    inputs: tuple[InputSpec, ...] = ()
    """The network's inputs; () where they aren't known."""
    limit: Limit = DEFAULT_LIMIT
    target: str | None = None
    """The column or array that holds the targets, where its name isn't a usual one."""
    preprocessing: Preprocessing | None = None
    """The preprocessing of images; None resizes them to the network's input, in 0..1."""
    classes: tuple[str, ...] = ()
    """The name of class i, where another split or the task fixes it."""
    log: Callable[[str], None] = _unheard

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the network's inputs."""
        return tuple(spec.name for spec in self.inputs)

    @property
    def dtypes(self) -> tuple[str, ...]:
        """The dtypes of the network's inputs."""
        return tuple(spec.dtype for spec in self.inputs)


def read(name: str, source: object, spec: ReadSpec) -> Samples:
    """The samples of the split `name` from what a user gives.

    `source` is one of: Samples; the path of a file .npz, .npy, .csv or .tsv or of a folder of
    images; arrays, tensors or nested lists, as x, (x, y), ((x1, x2), y) or a dict; a PyTorch
    DataLoader or data set; any iterable of batches of these forms. Raises SamplesError for another
    source, and for samples that don't fit the network's inputs; DataFileError for a damaged file.
    """
    samples = replace(_read(name, source, spec), name=name)
    _require_fit(samples, spec)
    return samples


def _read(name: str, source: object, spec: ReadSpec) -> Samples:
    if isinstance(source, Samples):
        return source
    if isinstance(source, str | os.PathLike):
        return _from_path(name, Path(os.fsdecode(source)), spec)
    listed = isinstance(source, list) and is_structure(source)
    if not listed and isinstance(source, Mapping | list | tuple | _ArrayLike):
        parts = parts_of(source, name, spec.names)
        return from_arrays(
            name, parts.inputs, parts.targets, dtypes=spec.dtypes, classes=spec.classes
        )
    batches = _batches(name, source, spec)
    if not isinstance(batches, Iterable):
        raise SamplesError(f"{name} is a {type(source).__name__}; give {ACCEPTED}")
    return from_batches(
        name,
        batches,
        spec.folder,
        spec.limit,
        names=spec.names,
        dtypes=spec.dtypes,
        classes=spec.classes,
    )


def _from_path(name: str, path: Path, spec: ReadSpec) -> Samples:
    if not path.exists():
        raise SamplesError(f"{name}: {path} isn't there; give {ACCEPTED}")
    if path.suffix.lower() == ".npz" and not path.is_dir():
        return from_npz(
            name,
            path,
            spec.folder,
            spec.limit,
            names=spec.names,
            dtypes=spec.dtypes,
            target=spec.target,
            classes=spec.classes,
        )
    if len(spec.inputs) > 1:
        raise SamplesError(
            f"{name}: {path} holds one input, the network takes {', '.join(spec.names)}; "
            "give a .npz with an array for each"
        )
    if path.is_dir():
        preprocessing = spec.preprocessing or _default_preprocessing(name, spec)
        return from_images(
            name,
            path,
            spec.folder,
            spec.limit,
            preprocessing=preprocessing,
            classes=spec.classes,
        )
    if path.suffix.lower() == ".npy":
        return from_npy(name, path, spec.limit, dtypes=spec.dtypes)
    if path.suffix.lower() in (".csv", ".tsv"):
        return csv.from_csv(
            name,
            path,
            spec.folder,
            spec.limit,
            target=spec.target or csv.LAST,
            shape=_known_shape(spec),
            dtype=spec.inputs[0].dtype if spec.inputs else "float32",
            classes=spec.classes,
        )
    raise SamplesError(f"{name}: {path} is not a file that is read here; give {ACCEPTED}")


def _default_preprocessing(name: str, spec: ReadSpec) -> Preprocessing:
    shape = _known_shape(spec)
    if not shape:
        raise SamplesError(f"{name}: give the preprocessing of the images, their size at least")
    preprocessing = Preprocessing.for_shape(shape)
    spec.log(
        f"{name}: images are resized to {shown(shape)} and scaled to 0..1; name the "
        "preprocessing where the network was trained with another"
    )
    return preprocessing


def _known_shape(spec: ReadSpec) -> tuple[int, ...]:
    """The shape of the network's first input, or () where a size of it isn't known."""
    shape = spec.inputs[0].shape if spec.inputs else ()
    return shape if all(size > 0 for size in shape) else ()


def _batches(name: str, source: object, spec: ReadSpec) -> object:
    """The source, or a loader of it where it is a PyTorch data set, which yields single samples."""
    torch = sys.modules.get("torch")  # who holds a loader or a data set has imported it
    if torch is None:
        return source
    if isinstance(source, torch.utils.data.Dataset):
        return torch.utils.data.DataLoader(source, batch_size=_BATCH)
    if isinstance(source, torch.utils.data.DataLoader) and isinstance(
        source.sampler, torch.utils.data.RandomSampler
    ):
        spec.log(
            f"{name}: the loader shuffles, so that each run sees other samples and no result is "
            "used again; make it with shuffle=False"
        )
    return source


def _require_fit(samples: Samples, spec: ReadSpec) -> None:
    """Check the shapes of one sample against the network's inputs. Raises SamplesError."""
    arrays = samples.inputs(0, 1)
    if spec.inputs and len(arrays) != len(spec.inputs):
        raise SamplesError(
            f"{samples.name} has {len(arrays)} inputs, the network takes {', '.join(spec.names)}"
        )
    for array, wanted in zip(arrays, spec.inputs, strict=False):
        shape = array.shape[1:]
        fits = len(shape) == len(wanted.shape) and all(
            want < 1 or size == want for size, want in zip(shape, wanted.shape, strict=True)
        )
        if not fits:
            raise SamplesError(
                f"{samples.name}: a sample has shape {shown(shape)}, the network's input "
                f"'{wanted.name}' takes {shown(wanted.shape)}"
            )
        if array.dtype != np.dtype(wanted.dtype):
            raise SamplesError(
                f"{samples.name}: samples are {array.dtype}, the network's input '{wanted.name}' "
                f"takes {wanted.dtype}"
            )
