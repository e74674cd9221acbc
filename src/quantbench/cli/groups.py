"""Groups of options that several commands share, each option written once.

A field that is None was not given: the default is that of `studies.options.Options`, below what
files and the environment say. Nothing heavy is imported: `--help` and a shell's completion are
read from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from quantbench.cli.declare import DATA, OUTPUT, STUDY, TIME, TRAINING, argument, option

_TARGET = "A model's name, NET.onnx, NET.pt2, TASK.py or PACKAGE:CALLABLE."


def _use_plugins(files: list[Path] | None) -> list[Path] | None:
    """Register the user's plug-ins before other options are read, as those may name them."""
    from quantbench import plugins

    plugins.use_plugins(*(files or ()))
    return files


@dataclass(frozen=True, kw_only=True)
class PluginFiles:
    """The user's own plug-ins."""

    plugin: Annotated[
        list[Path] | None,
        option(
            STUDY, "--plugin", metavar="FILE.py", callback=_use_plugins, is_eager=True,
            help="A method, runtime, metric, model or data set of your own; may be repeated.",
        ),
    ] = None  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class DataSource:
    """The source of a data set's files."""

    data_dir: Annotated[
        Path | None,
        option(
            DATA, "--data-dir", metavar="FOLDER",
            help="A folder with a data set's files: four IDX files, raw or .gz, for MNIST.",
        ),
    ] = None  # fmt: skip
    offline: Annotated[bool | None, option(DATA, "--offline", help="Ask no network for data.")] = (
        None
    )


@dataclass(frozen=True, kw_only=True)
class Study(DataSource, PluginFiles):
    """The network and its data: of every command that works on them."""

    model: Annotated[
        str | None,
        option(
            STUDY, "--model", metavar="TARGET", default="lenet", complete="models",
            help=f"The network. {_TARGET}",
        ),
    ] = None  # fmt: skip
    weights: Annotated[
        Path | None,
        option(STUDY, "--weights", metavar="FILE", help="Trained weights for the network."),
    ] = None
    quantized: Annotated[
        Path | None,
        option(
            STUDY, "--quantized", metavar="FILE",
            help="A quantized form that you have of it (.onnx, .pt2, .tflite), measured as well.",
        ),
    ] = None  # fmt: skip
    set_: Annotated[
        list[str] | None,
        option(
            STUDY, "--set", metavar="NAME=VALUE",
            help="A setting, METHOD.NAME=VALUE or recipe.NAME=VALUE; may be repeated.",
        ),
    ] = None  # fmt: skip
    data: Annotated[
        str | None,
        option(
            DATA, "--data", metavar="NAME", default="mnist", complete="data",
            help="A data set; see `quantbench list`.",
        ),
    ] = None  # fmt: skip
    calibration: Annotated[
        Path | None,
        option(
            DATA, "--calibration", metavar="FILE",
            help="Samples to calibrate with: .npz, .npy, .csv or a folder of pictures by class.",
        ),
    ] = None  # fmt: skip
    test: Annotated[
        Path | None,
        option(DATA, "--test", "--test-data", metavar="FILE", help="Samples to judge by."),
    ] = None
    train: Annotated[
        Path | None,
        option(DATA, "--train", metavar="FILE", help="Samples that methods may train on."),
    ] = None
    hold_out: Annotated[
        str | None,
        option(
            DATA, "--hold-out", metavar="SHARE",
            help="Without --calibration: the share of --train, else of --test, to calibrate with.",
        ),
    ] = None  # fmt: skip
    target_column: Annotated[
        str | None,
        option(
            DATA, "--target-column", metavar="NAME", default="the last column",
            help="The column of a .csv, or the array of a .npz, that holds the targets.",
        ),
    ] = None  # fmt: skip
    recipe: Annotated[
        str | None,
        option(
            TRAINING, "--recipe", metavar="NAME", default="default", help="default or reference."
        ),
    ] = None
    seed: Annotated[
        int | None,
        option(TRAINING, "--seed", metavar="N", default="1", help="The seed of the training."),
    ] = None
    out: Annotated[
        Path | None,
        option(
            OUTPUT, "--out", metavar="FOLDER", default="results",
            help="The folder for results and finished steps.",
        ),
    ] = None  # fmt: skip
    config: Annotated[
        Path | None,
        option(
            OUTPUT, "--config", metavar="FILE.toml", default="quantbench.toml, if it is there",
            help="Settings; the command line overrides them.",
        ),
    ] = None  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Target(Study):
    """A study whose network may be named without an option."""

    target: Annotated[
        str | None,
        argument(f"{_TARGET} Without one: LeNet on MNIST.", "TARGET", complete="models"),
    ] = None


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The runtimes to measure on."""

    runtime: Annotated[
        list[str] | None,
        option(
            STUDY, "--runtime", metavar="NAME", complete="runtimes",
            help="Only this runtime; several: A,B, or repeat it.",
        ),
    ] = None  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The metric that rows are judged by."""

    metric: Annotated[
        str | None,
        option(
            STUDY, "--metric", metavar="NAME", complete="metrics",
            help="The metric to judge by; see `quantbench list`.",
        ),
    ] = None  # fmt: skip
    margin: Annotated[
        float | None,
        option(
            STUDY, "--margin", metavar="POINTS", default="0.1, else 1% of the score",
            help="Scores that differ by less are equivalent; in the metric's unit if no fraction.",
        ),
    ] = None  # fmt: skip
    expect: Annotated[
        str | None,
        option(
            STUDY, "--expect", metavar="VALUE",
            help="The float network's metric, such as 0.93: say so if it isn't.",
        ),
    ] = None  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Selected(Chosen):
    """The methods to run as well."""

    method: Annotated[
        list[str] | None,
        option(
            STUDY, "--method", metavar="NAME", complete="methods",
            help="Only this method; several: A,B, or repeat it.",
        ),
    ] = None  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Shown:
    """The parts of a study that are shown."""

    sort: Annotated[
        str,
        option(
            OUTPUT, "--sort", metavar="FIGURE", default="latency",
            help="Sort tables by latency, metric, size or throughput, the best row first.",
        ),
    ] = "latency"  # fmt: skip
    all_rows: Annotated[bool, option(OUTPUT, "--all", help="Show every row, ties too.")] = False
    details: Annotated[
        bool,
        option(
            OUTPUT, "--details",
            help="Show number formats, intervals, p values, starts, memory, what wasn't measured.",
        ),
    ] = False  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Measuring(Chosen, Judged, Shown):
    """Options for measuring rows and for showing them."""

    threads: Annotated[
        list[str] | None,
        option(
            TIME, "--threads", metavar="N", default="1",
            help="Threads of each runtime while it is measured; several: 1,2, or repeat it.",
        ),
    ] = None  # fmt: skip
    full: Annotated[
        bool | None,
        option(TIME, "--full", help="Four batches, 1 and 2 threads, 8 starts of every row."),
    ] = None
    seeds: Annotated[
        int | None,
        option(
            TRAINING, "--seeds", metavar="N", default="1",
            help="Repeat training and calibration with N seeds: how much scores vary by chance.",
        ),
    ] = None  # fmt: skip
    starts: Annotated[
        int | None,
        option(
            TIME, "--starts", metavar="N", default="6",
            help="Fresh starts of the rows that decide; more of them resolve smaller differences.",
        ),
    ] = None  # fmt: skip
    count: Annotated[
        bool | None,
        option(
            TIME, "--count",
            help="Count each row's instructions, too: by perf_event, or in valgrind (slow).",
        ),
    ] = None  # fmt: skip
    budget: Annotated[
        str | None,
        option(TIME, "--budget", metavar="TIME", help="The time that it may take: 60s, 5m, 1h."),
    ] = None
    jobs: Annotated[
        int | None,
        option(
            TIME, "--jobs", metavar="N", default="the cores",
            help="Rows that are evaluated at a time; times are taken one by one.",
        ),
    ] = None  # fmt: skip
    cluster: Annotated[
        str | None,
        option(
            TIME, "--cluster", metavar="tcp://HOST:PORT",
            help="A Dask scheduler whose machines evaluate rows in place of this one.",
        ),
    ] = None  # fmt: skip
