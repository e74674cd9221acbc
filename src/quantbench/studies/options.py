"""The options of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from quantbench import plugins
from quantbench.harness.measure import BASELINE
from quantbench.harness.schedule import Schedule
from quantbench.system.record import Settings

QUICK_METHODS = (BASELINE, "dynamic", "static", "static_uncalibrated")

QUICK_RUNTIMES = ("onnxruntime", "torch")
"""The runtime of the source report, and one that was made for deployment."""

Overrides = dict[str, dict[str, str]]
"""Method, or "recipe" -> setting -> value as text."""


class Options(Settings):
    """Everything that a study depends on, except the settings of methods and recipe."""

    model: str = "lenet"
    data: str = "mnist"
    recipe: str = "default"
    seed: int = Field(1, ge=0, lt=2**32)
    methods: tuple[str, ...] = Field(default_factory=lambda: tuple(plugins.names("methods")))
    runtimes: tuple[str, ...] = Field(default_factory=lambda: tuple(plugins.default_runtimes()))
    threads: tuple[Annotated[int, Field(gt=0)], ...] = (1,)
    data_dir: Path | None = None
    offline: bool = False
    out: Path = Path("results")
    fresh: bool = False
    schedule: Schedule = Schedule()
    budget_seconds: float | None = Field(None, gt=0)
