"""One class a cause. Each message is one line: the thing, then what to do about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class QuantbenchError(Exception):
    """A job failed for a reason that a person can act on."""

    exit_code = 1


class UsageError(QuantbenchError):
    """What was asked for can't be asked for; nothing was started."""

    exit_code = 2


class UnknownNameError(UsageError):
    """A name that isn't one of the known ones; the message offers the nearest."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known) or 'none'}"
        super().__init__(f"unknown {kind} '{name}'; {hint}")


class SettingError(UsageError):
    """A setting whose value doesn't fit."""


class UnavailableError(QuantbenchError):
    """A plug-in that can't work here, with the reason."""


class DataFileError(QuantbenchError):
    """A data file that is truncated, corrupt or not the file that it claims to be."""


class DataUnavailableError(QuantbenchError):
    """No source had the data."""


class ArtifactError(QuantbenchError):
    """An artifact or checkpoint that is incomplete, edited or of another version."""


class ResultsError(QuantbenchError):
    """A results.json that can't be read: not there, damaged, edited or of another version."""


class StorageError(QuantbenchError):
    """A folder that can't be written: full, read-only or not permitted."""


class LockedError(QuantbenchError):
    """Another process is working in this folder."""


class TrainingDivergedError(QuantbenchError):
    """The loss stopped being a number."""


class CalibrationError(QuantbenchError):
    """An observer saw no data, or data that isn't finite."""


class ImageError(QuantbenchError):
    """An image that can't be decoded or holds no digit."""


class EngineError(QuantbenchError):
    """An engine answered, but not with one row of finite logits for each image."""


class WorkerError(QuantbenchError):
    """A worker process failed, hung or was killed."""


class WorkerLostError(WorkerError):
    """A worker process hung or was killed: it said nothing itself, and may do better again."""


class CompileError(QuantbenchError):
    """A network, or a part of one, that can't be compiled."""


class RowsFailedError(QuantbenchError):
    """Engines that crashed, hung or answered nonsense; every other row was measured."""


def cause(error: BaseException) -> str:
    """An exception of another's code in one line: its kind, and the first line of its words."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    words = f": {lines[0][:300]}" if lines else ""
    return f"{type(error).__name__}{words}"
