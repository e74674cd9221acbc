"""The command line: options in, text out. What is done is done elsewhere.

The commands are imported when one is called: help needs no PyTorch, and a Ctrl-C while it
loads is met like any other.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from quantbench.c99.targets import Dtype, Target
from quantbench.errors import QuantbenchError
from quantbench.report.order import Order

_STOPPED = 130

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Quantize a trained PyTorch network every practical way and measure each result.",
)

Model = Annotated[str, typer.Option(help="The network; see `quantbench list`.")]
Data = Annotated[str, typer.Option(help="The data set; see `quantbench list`.")]
RecipeName = Annotated[str, typer.Option("--recipe", help="default or reference.")]
Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1)]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="NAME=VALUE, or METHOD.NAME=VALUE; recipe.NAME for training."),
]
Out = Annotated[Path, typer.Option(help="The folder for results and finished steps.")]
DataDir = Annotated[Path | None, typer.Option(help="A folder with the four IDX files, raw or .gz.")]
Offline = Annotated[bool, typer.Option("--offline", help="Ask no network.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Forget all finished steps.")]
Threads = Annotated[
    list[int] | None,
    typer.Option(min=1, help="Of each engine while it is measured; may be repeated."),
]
Quick = Annotated[
    bool, typer.Option("--quick", help="PyTorch's own methods, on it and on ONNX Runtime.")
]
Full = Annotated[
    bool,
    typer.Option("--full", help="Five batches, 1 and 2 threads, 8 starts of each: 15 minutes."),
]
Sort = Annotated[Order, typer.Option(help="How the tables are sorted, the best row first.")]
Runtime = Annotated[list[str] | None, typer.Option(help="Only this engine; may be repeated.")]


@app.callback()
def quantbench(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    pass


@app.command()
def run(
    model: Model = "lenet",
    data: Data = "mnist",
    recipe: RecipeName = "default",
    seed: Seed = 1,
    method: Annotated[
        list[str] | None, typer.Option(help="Only this method; may be repeated.")
    ] = None,
    runtime: Runtime = None,
    quick: Quick = False,
    threads: Threads = None,
    full: Full = False,
    sort: Sort = Order.LATENCY,
    set_: Set = None,
    data_dir: DataDir = None,
    offline: Offline = False,
    out: Out = Path("results"),
    fresh: Fresh = False,
    as_reported: Annotated[
        bool, typer.Option("--as-reported", help="Print it as the source report did.")
    ] = False,
) -> None:
    """Get the data, train, quantize by every method, measure, compare."""
    from quantbench import commands

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
    out: Out = Path("results"),
    fresh: Fresh = False,
) -> None:
    """Train a network, or find the one that was trained before."""
    from quantbench import commands

    commands.train(commands.options(locals()), set_ or [])


@app.command()
def quantize(
    method: Annotated[str, typer.Argument(help="See `quantbench list`.")],
    model: Model = "lenet",
    data: Data = "mnist",
    recipe: RecipeName = "default",
    seed: Seed = 1,
    set_: Set = None,
    data_dir: DataDir = None,
    offline: Offline = False,
    out: Out = Path("results"),
) -> None:
    """Quantize by one method; prints what became of each layer and where the files are."""
    from quantbench import commands

    commands.quantize(method, commands.options(locals(), skip=("method",)), set_ or [])


@app.command()
def measure(
    method: Annotated[list[str], typer.Argument(help="Methods to compare with float32.")],
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
    out: Out = Path("results"),
) -> None:
    """Measure some methods against float32 and print the comparison."""
    from quantbench import commands

    commands.measure(commands.options(locals()), set_ or [], sort)


@app.command()
def compare(
    one: Annotated[Path, typer.Argument(metavar="A.json", help="A results.json.")],
    other: Annotated[Path, typer.Argument(metavar="B.json", help="Another.")],
) -> None:
    """Set two results.json side by side; times only where the machine is the same."""
    from quantbench import commands

    commands.compare((one, other))


@app.command()
def describe(
    model: Annotated[str, typer.Argument(help="See `quantbench list`.")] = "lenet",
    method: Annotated[
        str | None, typer.Option(help="Show the network as this method converted it.")
    ] = None,
    data: Data = "mnist",
    recipe: RecipeName = "default",
    seed: Seed = 1,
    set_: Set = None,
    data_dir: DataDir = None,
    offline: Offline = False,
    out: Out = Path("results"),
) -> None:
    """Print a network layer by layer."""
    from quantbench import commands

    commands.describe(method, commands.options(locals(), skip=("method",)), set_ or [])


@app.command("compile")
def compile_(
    model: Annotated[Path, typer.Argument(metavar="MODEL.onnx", help="A network.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The folder to write: new or empty.")],
    dtype: Annotated[
        Dtype, typer.Option(help="int8: of a quantized network; float32: of one that isn't.")
    ] = Dtype.INT8,
    target: Annotated[
        Target,
        typer.Option(
            help="portable: any processor; native: wide registers, too; cortex-m4 and cortex-m7: "
            "portable, with the instructions counted there."
        ),
    ] = Target.PORTABLE,
) -> None:
    """Write an ONNX network as C99 with a test of its own: a quantized one with integers alone."""
    from quantbench import compiling

    compiling.compile_(model, out, target, dtype)


@app.command("list")
def list_() -> None:
    """Print every plug-in, and why one is unavailable."""
    from quantbench import commands

    commands.list_plugins()


@app.command()
def doctor(data_dir: DataDir = None, offline: Offline = False) -> None:
    """Print the CPU, the libraries and which data sources answer."""
    from quantbench import commands

    commands.doctor(data_dir, offline=offline)


@app.command()
def predict(
    image: Annotated[list[str], typer.Argument(help="PNG or JPEG files; - is standard input.")],
    model: Model = "lenet",
    data: Data = "mnist",
    recipe: RecipeName = "default",
    seed: Seed = 1,
    method: Annotated[str, typer.Option(help="What to set beside float32.")] = "static",
    set_: Set = None,
    data_dir: DataDir = None,
    offline: Offline = False,
    out: Out = Path("results"),
) -> None:
    """Say which digit an image shows, by float and by int8."""
    from quantbench import commands

    commands.predict(image, method, commands.options(locals(), skip=("method",)), set_ or [])


def main() -> NoReturn:
    """Exit codes: 0 done, 1 a job failed, 2 a usage error, 130 stopped."""
    signal.signal(signal.SIGTERM, _end)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as nohup has it
        signal.signal(signal.SIGHUP, _end)
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
    if code == _STOPPED:  # Typer, too, makes this code of a Ctrl-C
        _fail("stopped; the next run goes on from the last finished step", _STOPPED)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(line: str, code: int) -> NoReturn:
    Console(stderr=True, soft_wrap=True, highlight=False, markup=False).print(
        " ".join(line.split())
    )
    sys.exit(code)


def _end(signum: int, frame: object) -> NoReturn:  # noqa: ARG001
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
