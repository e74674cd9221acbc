"""The splits of a data set as samples, disjoint by construction."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from quantbench.errors import DataFileError, DataUnavailableError
from quantbench.samples.records import Samples


@dataclass(frozen=True)
class SampleSplits:
    """The splits of a data set; `train` is None where it is for calibration and testing alone."""

    train: Samples | None
    calibration: Samples
    test: Samples


def users_folder(title: str, folder: Path | None, holds: str) -> Path:
    """The folder of a data set that isn't fetched; `holds` says which files it has to hold.

    Raises DataUnavailableError where none is named, DataFileError where it isn't there.
    """
    if folder is None:
        raise DataUnavailableError(
            f"{title} isn't fetched: name the folder that holds {holds} with --data-dir DIR"
        )
    if not folder.is_dir():
        raise DataFileError(f"{folder} is no folder; name the one that holds {holds}")
    return folder
