"""The command line's arguments and options, each written once.

Nothing heavy is imported: `--help` and a shell's completion are read from here.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from quantbench.c99.target.target import Dtype, Target
from quantbench.report.order import Order


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"quantbench {version('quantbench')}")
        raise typer.Exit


def named(folder: str) -> Callable[[str], list[str]]:
    """A function that completes the names of a folder's plug-ins in a shell."""

    def complete(start: str) -> list[str]:
        from quantbench import plugins

        return [name for name in plugins.names(folder) if name.startswith(start)]

    return complete


def _use_plugins(files: list[Path] | None) -> list[Path] | None:
    """Register the user's plug-ins before other options are read, as those may name them."""
    from quantbench import plugins

    plugins.use_plugins(*(files or ()))
    return files


Plugins = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugin",
        metavar="FILE.py",
        help="A method, runtime, metric, model or data set of your own; may be repeated.",
        callback=_use_plugins,
        is_eager=True,
    ),
]
Check = Annotated[
    bool,
    typer.Option("--check", help="Import each, which also shows a library that is damaged."),
]
Model = Annotated[
    str,
    typer.Option(help="The network; see `quantbench list`.", autocompletion=named("models")),
]
Data = Annotated[
    str,
    typer.Option(help="The data set; see `quantbench list`.", autocompletion=named("data")),
]
RecipeName = Annotated[str, typer.Option("--recipe", help="default or reference.")]
Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of the training.")]
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
    bool,
    typer.Option(
        "--quick",
        help="PyTorch's own methods on PyTorch, float32 on ONNX Runtime too; measures for 8 s.",
    ),
]
Full = Annotated[
    bool,
    typer.Option("--full", help="Five batches, 1 and 2 threads, 8 starts of each: 15 minutes."),
]
Sort = Annotated[Order, typer.Option(help="How the tables are sorted, the best row first.")]
Runtime = Annotated[
    list[str] | None,
    typer.Option(help="Only this engine; may be repeated.", autocompletion=named("runtimes")),
]
Method = Annotated[
    str, typer.Argument(help="See `quantbench list`.", autocompletion=named("methods"))
]
ModelName = Annotated[
    str, typer.Argument(help="See `quantbench list`.", autocompletion=named("models"))
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Version = Annotated[
    bool,
    typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True),
]
Methods = Annotated[
    list[str] | None,
    typer.Option(help="Only this method; may be repeated.", autocompletion=named("methods")),
]
MethodNames = Annotated[
    list[str],
    typer.Argument(help="Methods to compare with float32.", autocompletion=named("methods")),
]
Converted = Annotated[
    str | None,
    typer.Option(
        help="Show the network as this method converted it.",
        autocompletion=named("methods"),
    ),
]
AsReported = Annotated[
    bool, typer.Option("--as-reported", help="Print it as the source report did.")
]
ResultsA = Annotated[Path, typer.Argument(metavar="A.json", help="A results.json.")]
ResultsB = Annotated[Path, typer.Argument(metavar="B.json", help="Another.")]
Images = Annotated[list[str], typer.Argument(help="PNG or JPEG files; - is standard input.")]
Beside = Annotated[
    str, typer.Option(help="What to set beside float32.", autocompletion=named("methods"))
]
ModelFile = Annotated[
    str,
    typer.Argument(metavar="[MODEL.onnx]", help="A network; with --from, a method's name."),
]
From = Annotated[
    Path | None,
    typer.Option("--from", help="Take what a method wrote into this folder of results."),
]
NewFolder = Annotated[
    Path | None, typer.Option("-o", "--out", help="The folder to write: new or empty.")
]
DtypeName = Annotated[
    Dtype, typer.Option(help="int8: of a quantized network; float32: of one that isn't.")
]
TargetName = Annotated[
    Target,
    typer.Option(
        help="portable: any processor; native: wide registers, too; cortex-m4 and cortex-m7: "
        "portable, with the instructions counted there."
    ),
]
CPrefix = Annotated[
    str,
    typer.Option("--name", help="The prefix of all C names, and of the files: NAME.h, NAME.c."),
]
IsaNames = Annotated[
    str,
    typer.Option(
        "--isa", help="For --target native: only kernels for these, separated by commas: avx2,neon."
    ),
]
BuildFolder = Annotated[
    Path | None,
    typer.Option("--build", help="Compile and check in this folder, not beside the output."),
]
