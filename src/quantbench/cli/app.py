"""The command line: options in, text out. What is done is done elsewhere.

The commands are imported when one is called: help needs no PyTorch, and a Ctrl-C while it
loads is met like any other.
"""

from __future__ import annotations

import signal
import sys
from importlib.metadata import version
from typing import Annotated, NoReturn

import typer

from quantbench.cli import records, result_records
from quantbench.cli.declare import declare
from quantbench.cli.loading import loading
from quantbench.errors import QuantbenchError
from quantbench.system.signals import ENDING
from quantbench.system.terminal import Terminal

_STOPPED = 130

app = typer.Typer(
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Quantize a trained network every practical way and measure each result.",
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"quantbench {version('quantbench')}")
        raise typer.Exit


@app.callback()
def quantbench(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Quantize a trained network every practical way and measure each result."""


@declare(app, records.Run)
def run(record: records.Run) -> None:
    """Quantize by every method, measure each result, compare."""
    if record.print_settings:
        from quantbench.cli import print_settings

        print_settings.print_settings(record)
        return
    with loading("PyTorch"):
        from quantbench.cli import commands

    commands.run(record)


@declare(app, records.Check)
def check(record: records.Check) -> None:
    """Tell in seconds what looks wrong and what a study takes."""
    with loading("PyTorch"):
        from quantbench.cli import check

    check.check(record)


@declare(app, records.Init)
def init(record: records.Init) -> None:
    """Write a task file to fill in: your network, data and metric."""
    from quantbench.cli import init

    init.init(record.file)


@declare(app, records.Train)
def train(record: records.Train) -> None:
    """Train a network, or find the one that was trained before."""
    with loading("PyTorch"):
        from quantbench.cli import commands

    commands.train(record)


@declare(app, records.Quantize)
def quantize(record: records.Quantize) -> None:
    """Quantize by one method; print its layers and its files."""
    with loading("PyTorch"):
        from quantbench.cli import commands

    commands.quantize(record)


@declare(app, records.Measure)
def measure(record: records.Measure) -> None:
    """Measure some methods against float32 and print the comparison."""
    with loading("PyTorch"):
        from quantbench.cli import commands

    commands.measure(record)


@declare(app, result_records.Show)
def show(record: result_records.Show) -> None:
    """Show a study that was run: the answer, a table, details.

    Nothing is measured.
    """
    from quantbench.cli import show

    show.show(record)


@declare(app, result_records.Report)
def report(record: result_records.Report) -> None:
    """Write a finished study's report: one page to pass around.

    Nothing is measured. It has what `quantbench explain` found out, where that was run.
    """
    from quantbench.cli import report

    report.report(record)


@declare(app, result_records.Explain)
def explain(record: result_records.Explain) -> None:
    """Say why rows are slow, large or worse, and what to do.

    It explains the study in --out, of the network and data that `run` was given.
    """
    with loading("PyTorch"):
        from quantbench.cli import explain

    explain.explain(record)


@declare(app, result_records.Recommend)
def recommend(record: result_records.Recommend) -> None:
    """Choose the row to ship within limits of loss, size and time.

    Nothing is measured. A row keeps a limit where all of its 95 % interval does.
    """
    from quantbench.cli import recommend

    recommend.recommend(record)


@declare(app, result_records.Serve)
def serve(record: result_records.Serve) -> None:
    """Open a local page to draw digits that each row answers.

    It serves the study in --out, of digits in MNIST's form, to this machine alone, until Ctrl-C.
    """
    from quantbench.cli import serve

    serve.serve(record)


@declare(app, result_records.Compare)
def compare(record: result_records.Compare) -> None:
    """Set two results.json side by side, or judge them by rules.

    Times are compared only where the machine is the same.
    """
    from quantbench.cli import compare

    compare.compare(record)


@declare(app, records.Describe)
def describe(record: records.Describe) -> None:
    """Print a network layer by layer."""
    with loading("PyTorch"):
        from quantbench.cli import commands

    commands.describe(record)


@declare(app, records.Compile, "compile")
def compile_(record: records.Compile) -> None:
    """Write an ONNX network as C99 with a test of its own.

    A quantized network, as `quantbench quantize` or another quantizer wrote it, becomes C of
    integers alone.
    """
    from quantbench.cli import compile

    source = compile.source(record.model, record.study, record.out)
    compile.compile_(
        source,
        record.target,
        record.dtype,
        name=record.name,
        isa=record.isa,
        integer_only=record.integer_only,
        optimize=record.optimize,
        build=record.build,
    )


@declare(app, records.Verify)
def verify(record: records.Verify) -> None:
    """Run compiled C for your own inputs and compare every bit.

    Exits with 1 where the C doesn't compute the integer network's bits.
    """
    from quantbench.cli import verify

    verify.verify(record)


@declare(app, records.List, "list")
def list_(record: records.List) -> None:
    """Print every plug-in, and why one is unavailable."""
    from quantbench.cli import overview

    overview.list_plugins(check=record.check)


@declare(app, records.Doctor)
def doctor(record: records.Doctor) -> None:
    """Print the CPU, the libraries and which data sources answer."""
    from quantbench.cli import overview

    overview.doctor(record.data_dir, offline=bool(record.offline))


@declare(app, records.Predict)
def predict(record: records.Predict) -> None:
    """Say which digit an image shows, by float and by int8."""
    with loading("PyTorch"):
        from quantbench.cli import commands

    commands.predict(record)


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
