"""The task of a user's own network and samples."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from torch import nn

from quantbench.errors import SamplesError, SamplesNeededError
from quantbench.samples.images import Preprocessing
from quantbench.samples.records import Samples
from quantbench.samples.shared import common_classes, held_out, preparation_sha256
from quantbench.samples.source import ReadSpec, read
from quantbench.system.progress import NO_PROGRESS, Progress
from quantbench.tasks.network import Network, TensorSpec
from quantbench.tasks.source import load_network
from quantbench.tasks.source_python import is_python
from quantbench.tasks.task import Task

HELD_OUT = 0.1
"""Share of the test samples to calibrate with where nothing else is given for it."""
MIN_HELD_OUT, MAX_HELD_OUT = 32, 512


@dataclass(frozen=True)
class Own:
    """A user's network, and samples in any form that `samples.source.read` takes."""

    network: nn.Module | str | Path
    test: object
    calibration: object = None
    train: object = None
    weights: Path | None = None
    name: str | None = None
    metric: str = ""
    hold_out: float | None = None
    target: str | None = None
    """The column or array that holds the targets."""
    preprocessing: Preprocessing | None = None
    classes: tuple[str, ...] = ()
    seed: int = 1


def own_task(own: Own, folder: Path, progress: Progress = NO_PROGRESS) -> Task:
    """The task of a user's network; `folder` keeps what is unpacked or streamed from samples.

    Raises NetworkError, SamplesError, ArtifactError or DataFileError, each naming what is wrong.
    """
    reader = _Reader(own, folder, progress)
    network, splits = _loaded(own, reader)
    for note in network.notes:
        progress.log(note)
    test, train = splits["test"], splits.get("train")
    calibration = splits.get("calibration")
    if calibration is None:
        calibration, test, train = _set_aside(own, test, train, folder, progress)
    return Task(
        network=network,
        data=_title(own),
        calibration=calibration,
        test=test,
        train=train,
        metric=own.metric,
        classes=own.classes or common_classes(*splits.values()),
        preprocessing_sha256=preparation_sha256(calibration),
    )


@dataclass(frozen=True)
class _Reader:
    """Reads the splits that a user gave, as soon as the network's inputs are known or before."""

    own: Own
    folder: Path
    progress: Progress

    @property
    def given(self) -> dict[str, object]:
        sources = {
            "test": self.own.test,
            "calibration": self.own.calibration,
            "train": self.own.train,
        }
        return {name: source for name, source in sources.items() if source is not None}

    def read(self, name: str, inputs: tuple[TensorSpec, ...]) -> Samples:
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        spec = ReadSpec(
            folder=folder,
            inputs=inputs,
            target=self.own.target,
            preprocessing=self.own.preprocessing,
            classes=self.own.classes,
            log=self.progress.log,
        )
        return read(name, self.given[name], spec)


def _loaded(own: Own, reader: _Reader) -> tuple[Network, dict[str, Samples]]:
    """The network and the splits: a module needs samples to be known, a file says its inputs."""
    if own.test is None:
        raise SamplesError("give test samples: what a network costs is judged on them")
    if isinstance(own.network, nn.Module) or is_python(str(own.network)):
        return _by_samples(own, reader)
    try:
        network = load_network(own.network, own.weights, name=own.name)
    except SamplesNeededError:
        return _by_samples(own, reader)
    return network, {name: reader.read(name, network.inputs) for name in reader.given}


def _by_samples(own: Own, reader: _Reader) -> tuple[Network, dict[str, Samples]]:
    splits = {name: reader.read(name, ()) for name in reader.given}
    example = splits.get("calibration", splits["test"])
    network = load_network(own.network, own.weights, example=example, name=own.name)
    spec = ReadSpec(folder=reader.folder, inputs=network.inputs)
    return network, {name: read(name, samples, spec) for name, samples in splits.items()}


def _set_aside(
    own: Own, test: Samples, train: Samples | None, folder: Path, progress: Progress
) -> tuple[Samples, Samples, Samples | None]:
    """Calibration samples from the training data, else from the test data, which loses them."""
    source = test if train is None else train
    part: int | float
    if own.hold_out is not None:
        part = own.hold_out
    else:
        part = min(MAX_HELD_OUT, max(MIN_HELD_OUT, round(HELD_OUT * len(source))))
        part = min(part, max(len(source) // 2, 1))
    rest, calibration = held_out(source, part, own.seed, folder)
    progress.log(
        f"{len(calibration):,} of the {len(source):,} {source.name} samples are set aside to "
        f"calibrate with, drawn with seed {own.seed}"
        + ("; they aren't scored" if train is None else "")
    )
    calibration = replace(calibration, name="calibration")
    return (calibration, rest, None) if train is None else (calibration, test, rest)


def _title(own: Own) -> str:
    return Path(own.test).name if isinstance(own.test, str | Path) else "given samples"
