"""The command line on the tiny task and with short slices, for tests that need a process.

QUANTBENCH_TEST_SECONDS is how long to measure. QUANTBENCH_TEST_FAULT adds a row, static on
null, whose engine fails so.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from quantbench.cli import app
from quantbench.harness.pool import Candidate
from quantbench.harness.records import Skipped
from quantbench.harness.schedule import Schedule
from quantbench.runtimes.null import Null, save_null
from quantbench.studies import pipeline, prepare
from quantbench.studies.named import runtime_named
from quantbench.studies.options import Options
from quantbench.studies.pipeline import Study
from quantbench.tasks.task import Task
from tests import tiny

_run = pipeline.run
_candidates = pipeline.candidates_of


def load_task(model: str, *args: Any, **options: Any) -> Task:
    return tiny.task(model)


def run(options: Options, *args: Any, **given: Any) -> Study:
    seconds = float(os.environ.get("QUANTBENCH_TEST_SECONDS", "0"))
    schedule = Schedule(
        batches=(1, 50),
        max_calls=3,
        blocks=10_000 if seconds else 6,
        max_passes=1,
        look_seconds=max(seconds, 1e-3),
        starts=1,
    )
    return _run(options.model_copy(update={"schedule": schedule}), *args, **given)


def candidates(*arguments: Any) -> Iterator[Candidate | Skipped]:
    yield from _candidates(*arguments)
    if fault := os.environ.get("QUANTBENCH_TEST_FAULT"):
        null = Null.model_validate({"fault": fault, "after": 1})
        yield Candidate(save_null(Path("nulls"), "static", null), runtime_named("null"))


if __name__ == "__main__":
    pipeline.candidates_of = candidates
    prepare.load_task = load_task
    pipeline.run = run
    app.main()
