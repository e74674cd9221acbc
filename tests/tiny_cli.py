"""The command line on the tiny task and with short rounds, for tests that need a process.

QUANTBENCH_TEST_SECONDS is how long to measure.
"""

from __future__ import annotations

import os
from typing import Any

from quantbench import cli, study
from quantbench.harness.rounds import Plan
from quantbench.study import Options, Study
from quantbench.task import Task
from tests import tiny

_run = study.run


def load_task(model: str, *args: Any, **options: Any) -> Task:
    return tiny.task(model)


def run(options: Options, *args: Any) -> Study:
    seconds = float(os.environ.get("QUANTBENCH_TEST_SECONDS", "0"))
    plan = Plan(batches=(1, 50), calls=3, least=2, most=10_000, seconds=seconds, budget=0)
    return _run(options.model_copy(update={"plan": plan}), *args)


if __name__ == "__main__":
    study.load_task = load_task
    study.run = run
    cli.main()
