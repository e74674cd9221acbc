"""Studies as a tutorial starts them, with few and short slices and one start of each row.

Times are then rough, and no test reads them; everything else is what the page's code does.
Run as a module, it is the command line.
"""

from __future__ import annotations

from typing import Any

from quantbench.cli import app
from quantbench.harness.schedule import MIN_BLOCKS, Schedule
from quantbench.studies import pipeline
from quantbench.studies.options import Options
from quantbench.studies.pipeline import Study

SCHEDULE = Schedule(
    slice_seconds=1e-4, blocks=MIN_BLOCKS, max_passes=1, look_seconds=0.1, starts=1, reading=False
)

_run = pipeline.run


def run(options: Options, *args: Any, **given: Any) -> Study:
    return _run(options.model_copy(update={"schedule": SCHEDULE}), *args, **given)


def shorten() -> None:
    """Have all studies of this process measured by SCHEDULE, the first answer's included."""
    pipeline.FIRST = SCHEDULE
    pipeline.run = run


if __name__ == "__main__":
    shorten()
    app.main()
