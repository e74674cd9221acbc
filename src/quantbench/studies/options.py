"""The options of a study: one record that files, the environment and the command line fill."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Self, get_args, get_origin

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from quantbench import plugins
from quantbench.harness.schedule import FULL, MIN_STARTS, QUICK, Schedule
from quantbench.settings.layers import Schema
from quantbench.settings.values import seconds, share
from quantbench.system.record import Settings

QUICK_METHODS = ("float32", "dynamic", "static", "static_uncalibrated")

QUICK_RUNTIMES = ("onnxruntime", "torch")
"""The runtime of the source report, and one that was made for deployment."""

Overrides = dict[str, dict[str, str]]
"""Method, or "recipe" -> setting -> value as text."""

Seconds = Annotated[float, BeforeValidator(seconds)]
"""Seconds, or text such as "90s", "5m" and "1h30m"."""
Share = Annotated[float, BeforeValidator(share)]
"""A number, or text such as "10%"."""


def _schedule(chosen: dict[str, Any]) -> Schedule:
    default = QUICK if chosen.get("quick") else FULL if chosen.get("full") else Schedule()
    starts = chosen.get("starts")
    return default.model_copy(update={"starts": starts}) if starts else default


def _enough_starts(starts: int) -> int:
    if 1 < starts < MIN_STARTS:
        raise ValueError(f"{starts} starts show no spread between them: make 1, or {MIN_STARTS}")
    return starts


def _methods(chosen: dict[str, Any]) -> tuple[str, ...]:
    return QUICK_METHODS if chosen.get("quick") else tuple(plugins.default_methods())


def _runtimes(chosen: dict[str, Any]) -> tuple[str, ...]:
    return QUICK_RUNTIMES if chosen.get("quick") else tuple(plugins.default_runtimes())


def _threads(chosen: dict[str, Any]) -> tuple[int, ...]:
    return (1, 2) if chosen.get("full") else (1,)


def _address(text: str) -> str:
    if not re.fullmatch(r"(tcp|tls)://[^\s/]+:\d+", text):
        raise ValueError(f"'{text}' is no address; write it as tcp://HOST:PORT")
    return text


class Options(Settings):
    """Everything that a study depends on, except the settings of methods and recipe."""

    target: str | None = None
    """A network or a task: "net.onnx", "net.pt2", "my_task.py", "package:callable".

    None: the plug-in `model` is studied."""
    model: str = "lenet"
    """The model plug-in that is studied where there is no target."""
    weights: Path | None = None
    """Trained weights of the network that `target` or `model` builds; None: it has them, or is
    trained."""
    quantized: Path | None = None
    """A quantized form of the network that the user has, measured beside what methods write."""

    data: str = "mnist"
    """The data plug-in that is used where no files are named."""
    calibration: Path | None = None
    test: Path | None = None
    train: Path | None = None
    """Files or folders of samples."""
    target_column: str | None = None
    """The column of a CSV file, or the array of a .npz, that holds the targets; None: the last."""
    hold_out: Share | None = Field(None, gt=0, lt=1)
    """The share of the training samples, else of the test samples, that is set aside to calibrate
    with, where none are named for it."""
    data_dir: Path | None = None
    offline: bool = False

    metric: str | None = None
    """The metric that rows are judged by; None: that of the task."""
    margin: float | None = Field(None, ge=0)
    """The difference of scores below which rows are equivalent, in points where the metric is a
    fraction; None: 0.1 points, else 1 % of the score."""
    expect: Share | None = None
    """The metric's value that the float network should have; None: it isn't checked."""

    recipe: str = "default"
    seed: int = Field(1, ge=0, lt=2**32)
    seeds: int = Field(1, ge=1, le=100)
    """Trainings and calibrations, with seeds from `seed` on: the first is timed, all are scored."""

    quick: bool = False
    """PyTorch's own methods on two runtimes, measured for 8 s; a default of the fields below."""
    full: bool = False
    """Four batches, two numbers of threads and eight starts of every row; likewise."""
    starts: Annotated[int, AfterValidator(_enough_starts)] | None = Field(None, gt=0)
    """Fresh starts of the rows that decide, the first included; None: as many as the schedule
    has."""
    methods: tuple[str, ...] = Field(default_factory=_methods)
    runtimes: tuple[str, ...] = Field(default_factory=_runtimes)
    threads: tuple[Annotated[int, Field(gt=0)], ...] = Field(default_factory=_threads)
    schedule: Schedule = Field(default_factory=_schedule)
    count: bool = False
    """Count the instructions of a call of each row, by the processor's counter or by valgrind."""
    budget_seconds: Seconds | None = Field(None, gt=0)
    """The time that the study may take; None: what the schedule takes."""
    pair: Path | None = None
    """The results.json of an earlier study, whose artifacts are measured in turn with new ones."""
    jobs: int | None = Field(None, gt=0)
    """The number of rows that are evaluated at a time, None for the cores; times are taken one by
    one."""
    cluster: Annotated[str, AfterValidator(_address)] | None = None
    """The address of a Dask scheduler, whose machines evaluate rows in place of this one."""

    out: Path = Path("results")
    fresh: bool = False

    @model_validator(mode="after")
    def _one_schedule(self) -> Self:
        if self.quick and self.full:
            raise ValueError("--quick and --full contradict each other")
        return self


PLUGINS = "plugins"
"""The key of plug-in files, which are offered before options are read, as these may name them."""

_KEYS = {
    "model": "target",
    "method": "methods",
    "runtime": "runtimes",
    "budget": "budget_seconds",
    "plugin": PLUGINS,
}
"""A user's key -> the field, where they differ."""
_HIDDEN = ("model", "budget_seconds")
"""Fields that are set by the key of another name."""


def _holds(annotation: Any, kind: type) -> bool:
    return annotation is kind or any(_holds(part, kind) for part in get_args(annotation))


SCHEMA = Schema(
    keys=(*(name for name in Options.model_fields if name not in _HIDDEN), *_KEYS, PLUGINS),
    fields=_KEYS,
    lists=frozenset(
        (
            PLUGINS,
            *(n for n, f in Options.model_fields.items() if get_origin(f.annotation) is tuple),
        )
    ),
    paths=frozenset(
        (PLUGINS, *(n for n, f in Options.model_fields.items() if _holds(f.annotation, Path)))
    ),
    sources=frozenset(("target",)),
)
"""The keys of settings files, environment variables and the command line."""
