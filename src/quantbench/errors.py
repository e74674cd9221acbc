"""The errors that a user can act on: one class for each cause.

Each message is one line that names the thing, then what to do about it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class QuantbenchError(Exception):
    """The base of all errors that a user can act on; `exit_code` is the command's."""

    exit_code = 1


class UsageError(QuantbenchError):
    """The request itself is wrong, so nothing was started."""

    exit_code = 2


class UnknownNameError(UsageError):
    """A name isn't one of the known ones; the message offers the nearest."""

    def __init__(self, kind: str, name: str, known: Iterable[str], where: str = "") -> None:
        known = sorted(known)
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known) or 'none'}"
        place = f" in {where}" if where else ""
        super().__init__(f"unknown {kind} '{name}'{place}; {hint}")


class SettingError(UsageError):
    """The value of a setting has the wrong type or lies outside its range."""


class SamplesError(UsageError):
    """Samples can't be used: their form, shapes, lengths, dtypes or values don't fit."""


class UnavailableError(QuantbenchError):
    """A plug-in can't work here; the message is the reason."""


class NetworkError(QuantbenchError):
    """A network can't be loaded, or can't take the samples that it was given."""


class SamplesNeededError(NetworkError):
    """A network leaves sizes of its inputs open, and samples would tell them."""


class DataFileError(QuantbenchError):
    """A data file is truncated, corrupt or not the file that it claims to be."""


class DataUnavailableError(QuantbenchError):
    """No source has the data set's files."""


class ArtifactError(QuantbenchError):
    """An artifact or checkpoint is incomplete, edited or of another version."""


class ResultsError(QuantbenchError):
    """A results.json can't be read: missing, damaged, edited or of another version."""


class StorageError(QuantbenchError):
    """A folder can't be written: the disk is full or read-only, or the user may not."""


class LockedError(QuantbenchError):
    """Another process holds the lock of this folder."""


class TrainingDivergedError(QuantbenchError):
    """The training loss became infinite or NaN."""


class CalibrationError(QuantbenchError):
    """An observer of activations saw no data, or data that isn't finite."""


class ImageError(QuantbenchError):
    """An image can't be decoded or holds no digit."""


class PredictionError(QuantbenchError):
    """A runtime's predictions aren't one row of finite float32 logits for each image."""


class WorkerError(QuantbenchError):
    """A worker process refused a request, failed, hung or was killed."""


class WorkerLostError(WorkerError):
    """A worker process hung or was killed without an answer; a new try may succeed."""


class OutOfTimeError(WorkerLostError):
    """The budget of a study was spent before a worker answered; a larger one gives it time."""


class OverdueError(QuantbenchError):
    """Code gave no sign of progress for longer than it may, or until its time was spent."""


class CompileError(QuantbenchError):
    """A network, or a part of it, can't be compiled."""


class RowsFailedError(QuantbenchError):
    """Some runtimes crashed, hung or predicted nonsense; every other row was measured."""


class RulesFailedError(QuantbenchError):
    """A comparison broke a rule that it should keep; everything was shown and written."""


class BitsDifferError(QuantbenchError):
    """Compiled C doesn't compute the integer graph's bits, or couldn't be run; all was shown."""


class NoRowError(QuantbenchError):
    """No row of a study is shown to keep the limits that were asked for; all was shown."""


def cause(error: BaseException) -> str:
    """An exception of foreign code in one line: its class, and the first line of its message."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    message = f": {lines[0][:300]}" if lines else ""
    return f"{type(error).__name__}{message}"
