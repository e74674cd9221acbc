"""The command `quantbench check`: a preflight, which quantizes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from quantbench.cli import records
from quantbench.cli.configure import configured
from quantbench.cli.progress import TerminalProgress
from quantbench.report.terminal.check import preflight_page
from quantbench.settings.layers import RECIPE
from quantbench.studies import preflight
from quantbench.studies.load import load_task
from quantbench.studies.options import Options, Overrides
from quantbench.studies.prepare import prepare
from quantbench.studies.workspace import workspace
from quantbench.system.progress import Progress
from quantbench.system.terminal import Terminal
from quantbench.tasks.task import Task


def check(record: records.Check) -> None:
    """Print what looks wrong with a task, what can be tried, and how long it takes.

    Raises UsageError, after all is shown, where something has to be put right first.
    """
    study = configured(record)
    methods = {name: table for name, table in study.overrides.items() if name != RECIPE}
    with (
        TerminalProgress() as progress,
        _loaded(study.options, study.overrides, progress) as task,
    ):
        outcome = preflight.check(task, study.options, methods, progress=progress)
    Terminal().print(preflight_page(outcome))
    outcome.require()


@contextmanager
def _loaded(options: Options, overrides: Overrides, progress: Progress) -> Iterator[Task]:
    """Load the task that options name; a model by name without weights is left untrained."""
    if options.target is None and options.test is None and options.weights is None:
        yield load_task(
            options.model,
            options.data,
            data_dir=options.data_dir,
            offline=options.offline,
            progress=progress,
        )
        return
    with workspace(options.out) as space:
        yield prepare(options, overrides, space, progress)
