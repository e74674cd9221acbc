"""Studies of the tiny task, with few and short slices."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from quantbench.harness.schedule import Schedule
from quantbench.studies import pipeline, prepare
from quantbench.studies.options import QUICK_METHODS, QUICK_RUNTIMES, Options, Overrides
from quantbench.studies.pipeline import Study
from quantbench.system.progress import NO_PROGRESS, Progress
from tests import tiny

SCHEDULE = Schedule(
    batches=(1, 50),
    slice_seconds=1e-5,
    max_calls=2,
    blocks=6,
    max_passes=1,
    starts=1,
    timeout=120,
)


@contextmanager
def tiny_data() -> Iterator[None]:
    """Has studies find the tiny task in place of any data set."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prepare, "load_task", lambda model, *_, **__: tiny.task(model))
        yield


def run(
    out: Path,
    *methods: str,
    settings: Overrides | None = None,
    progress: Progress = NO_PROGRESS,
    **options: Any,
) -> Study:
    quick = {"methods": methods or QUICK_METHODS, "runtimes": QUICK_RUNTIMES}
    asked = Options(out=out, recipe="reference", schedule=SCHEDULE, **(quick | options))
    fast = {"batch": "30", "epochs": "2", "lr": "0.1", "momentum": "0.9"}
    overrides = {"recipe": fast} | (settings or {})
    with tiny_data():
        return pipeline.run(asked, overrides, progress)


def steps(out: Path) -> dict[str, int]:
    """Each finished step and when it was finished."""
    return {
        f"{path.parent.parent.name}/{path.parent.name}": path.stat().st_mtime_ns
        for path in out.glob("*/*/manifest.json")
    }
