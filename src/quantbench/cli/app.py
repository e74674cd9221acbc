"""The command line: options in, text out. What is done is done elsewhere.

The commands are imported when one is called: help needs no PyTorch, and a Ctrl-C while it
loads is met like any other.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import NoReturn

import typer

from quantbench.c99.target.target import Dtype, Target
from quantbench.cli.arguments import (
    AsReported,
    Beside,
    BuildFolder,
    Check,
    Converted,
    CPrefix,
    Data,
    DataDir,
    Debug,
    DtypeName,
    Fresh,
    From,
    Full,
    Images,
    IsaNames,
    Method,
    MethodNames,
    Methods,
    Model,
    ModelFile,
    ModelName,
    NewFolder,
    Offline,
    Out,
    Plugins,
    Quick,
    RecipeName,
    ResultsA,
    ResultsB,
    Runtime,
    Seed,
    Set,
    Sort,
    TargetName,
    Threads,
    Version,
)
from quantbench.cli.loading import loading
from quantbench.errors import QuantbenchError
from quantbench.report.order import Order
from quantbench.system.signals import ENDING
from quantbench.system.terminal import Terminal

_STOPPED = 130

app = typer.Typer(
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Quantize a trained PyTorch network every practical way and measure each result.",
)


@app.callback()
def quantbench(
    debug: Debug = False,
    version: Version = False,
) -> None:
    """Quantize a trained PyTorch network every practical way and measure each result."""


@app.command()
def run(
    model: Model = "lenet",
    data: Data = "mnist",
    recipe: RecipeName = "default",
    seed: Seed = 1,
    method: Methods = None,
    runtime: Runtime = None,
    quick: Quick = False,
    threads: Threads = None,
    full: Full = False,
    sort: Sort = Order.LATENCY,
    set_: Set = None,
    data_dir: DataDir = None,
    offline: Offline = False,
    plugin: Plugins = None,
    out: Out = Path("results"),
    fresh: Fresh = False,
    as_reported: AsReported = False,
) -> None:
    """Get the data, train, quantize by every method, measure, compare."""
    with loading("PyTorch"):
        from quantbench.cli import commands

    commands.run(commands.options(locals()), set_ or [], sort, as_reported=as_reported)


@app.command()
def train(
    model: Model = "lenet",
    data: Data = "mnist",
    recipe: RecipeName = "default",
    seed: Seed = 1,
    set_: Set = None,
    data_dir: DataDir = None,
    offline: Offline = False,
    plugin: Plugins = None,
    out: Out = Path("results"),
    fresh: Fresh = False,
) -> None:
    """Train a network, or find the one that was trained before."""
    with loading("PyTorch"):
        from quantbench.cli import commands

    commands.train(commands.options(locals()), set_ or [])


@app.command()
def quantize(
    method: Method,
    model: Model = "lenet",
    data: Data = "mnist",
    recipe: RecipeName = "default",
    seed: Seed = 1,
    set_: Set = None,
    data_dir: DataDir = None,
    offline: Offline = False,
    plugin: Plugins = None,
    out: Out = Path("results"),
) -> None:
    """Quantize by one method; print its layers and its files."""
    with loading("PyTorch"):
        from quantbench.cli import commands

    commands.quantize(method, commands.options(locals(), skip=("method",)), set_ or [])


@app.command()
def measure(
    method: MethodNames,
    model: Model = "lenet",
    data: Data = "mnist",
    recipe: RecipeName = "default",
    seed: Seed = 1,
    runtime: Runtime = None,
    threads: Threads = None,
    full: Full = False,
    sort: Sort = Order.LATENCY,
    set_: Set = None,
    data_dir: DataDir = None,
    offline: Offline = False,
    plugin: Plugins = None,
    out: Out = Path("results"),
) -> None:
    """Measure some methods against float32 and print the comparison."""
    with loading("PyTorch"):
        from quantbench.cli import commands

    commands.measure(commands.options(locals()), set_ or [], sort)


@app.command()
def compare(
    one: ResultsA,
    other: ResultsB,
) -> None:
    """Set two results.json side by side.

    Times are compared only where the machine is the same.
    """
    from quantbench.cli import compare

    compare.compare((one, other))


@app.command()
def describe(
    model: ModelName = "lenet",
    method: Converted = None,
    data: Data = "mnist",
    recipe: RecipeName = "default",
    seed: Seed = 1,
    set_: Set = None,
    data_dir: DataDir = None,
    offline: Offline = False,
    plugin: Plugins = None,
    out: Out = Path("results"),
) -> None:
    """Print a network layer by layer."""
    with loading("PyTorch"):
        from quantbench.cli import commands

    commands.describe(method, commands.options(locals(), skip=("method",)), set_ or [])


@app.command("compile")
def compile_(
    model: ModelFile = "",
    study: From = None,
    out: NewFolder = None,
    dtype: DtypeName = Dtype.INT8,
    target: TargetName = Target.PORTABLE,
    name: CPrefix = "model",
    isa: IsaNames = "",
    build: BuildFolder = None,
) -> None:
    """Write an ONNX network as C99 with a test of its own.

    A quantized network, as `quantbench quantize` or another quantizer wrote it, becomes C of
    integers alone.
    """
    from quantbench.cli import compile

    source = compile.source(model, study, out)
    compile.compile_(source, target, dtype, name=name, isa=isa, build=build)


@app.command("list")
def list_(
    plugin: Plugins = None,  # noqa: ARG001 - read by its callback
    check: Check = False,
) -> None:
    """Print every plug-in, and why one is unavailable."""
    from quantbench.cli import overview

    overview.list_plugins(check=check)


@app.command()
def doctor(
    data_dir: DataDir = None,
    offline: Offline = False,
    plugin: Plugins = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Print the CPU, the libraries and which data sources answer."""
    from quantbench.cli import overview

    overview.doctor(data_dir, offline=offline)


@app.command()
def predict(
    image: Images,
    model: Model = "lenet",
    data: Data = "mnist",
    recipe: RecipeName = "default",
    seed: Seed = 1,
    method: Beside = "static",
    set_: Set = None,
    data_dir: DataDir = None,
    offline: Offline = False,
    plugin: Plugins = None,
    out: Out = Path("results"),
) -> None:
    """Say which digit an image shows, by float and by int8."""
    with loading("PyTorch"):
        from quantbench.cli import commands

    commands.predict(image, method, commands.options(locals(), skip=("method",)), set_ or [])


def main() -> NoReturn:
    """Exit codes: 0 done, 1 a job failed, 2 a usage error, 130 stopped."""
    for number in set(ENDING) - {signal.SIGINT}:
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup sets SIG_IGN
            signal.signal(number, _end)
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    try:
        code = app(arguments or ["--help"], standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        code = _STOPPED
    except typer.TyperException as error:
        if debug:
            raise
        _fail(f"error: {error.format_message()}", error.exit_code)
    except QuantbenchError as error:
        if debug:
            raise
        _fail(f"error: {error}", error.exit_code)
    except OSError as error:
        if debug:
            raise
        _fail(f"error: {error.filename or 'the system'}: {error.strerror or error}", 1)
    except Exception as error:
        if debug:
            raise
        name = type(error).__name__
        _fail(f"error: this is a fault in quantbench ({name}: {error}); --debug shows where", 1)
    if code == _STOPPED:  # Typer uses this code for Ctrl-C as well
        _fail("stopped; the next run goes on from the last finished step", _STOPPED)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(line: str, code: int) -> NoReturn:
    Terminal(stderr=True).say(line)
    sys.exit(code)


def _end(signum: int, frame: object) -> NoReturn:  # noqa: ARG001
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
