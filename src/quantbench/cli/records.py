"""Records of commands that make something: their fields are its arguments and options.

Those of commands that read results are in result_records.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from quantbench.cli.declare import OUTPUT, STUDY, TIME, argument, option
from quantbench.cli.groups import (
    DataSource,
    Judged,
    Measuring,
    PluginFiles,
    Selected,
    Study,
    Target,
)


@dataclass(frozen=True, kw_only=True)
class Run(Measuring, Selected, Target):
    """`quantbench run`."""

    quick: Annotated[
        bool | None,
        option(
            TIME, "--quick",
            help="PyTorch's own methods on PyTorch, float32 on ONNX Runtime too; measures for 8 s.",
        ),
    ] = None  # fmt: skip
    fresh: Annotated[bool | None, option(OUTPUT, "--fresh", help="Forget all finished steps.")] = (
        None
    )
    pair: Annotated[
        Path | None,
        option(
            TIME, "--pair", metavar="A.json",
            help="Measure what this results.json is about once more, in turn with the new rows.",
        ),
    ] = None  # fmt: skip
    as_reported: Annotated[
        bool, option(OUTPUT, "--as-reported", help="Print it as the source report did.")
    ] = False
    print_settings: Annotated[
        bool,
        option(
            OUTPUT, "--print-settings",
            help="Print the settings and where each comes from, as TOML, and run nothing.",
        ),
    ] = False  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Train(Study):
    """`quantbench train`."""

    fresh: Annotated[bool | None, option(OUTPUT, "--fresh", help="Forget all finished steps.")] = (
        None
    )


@dataclass(frozen=True, kw_only=True)
class Quantize(Study):
    """`quantbench quantize`."""

    one_method: Annotated[str, argument("See `quantbench list`.", "METHOD", complete="methods")]


@dataclass(frozen=True, kw_only=True)
class Measure(Measuring, Study):
    """`quantbench measure`."""

    methods: Annotated[
        list[str],
        argument("Methods to compare with float32.", "METHOD...", complete="methods"),
    ]


@dataclass(frozen=True, kw_only=True)
class Check(Selected, Judged, Target):
    """`quantbench check`."""


@dataclass(frozen=True, kw_only=True)
class Describe(Target):
    """`quantbench describe`."""

    converted: Annotated[
        str | None,
        option(
            STUDY, "--method", metavar="NAME", complete="methods",
            help="Show the network as this method converted it.",
        ),
    ] = None  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Predict(Study):
    """`quantbench predict`."""

    images: Annotated[list[str], argument("PNG or JPEG files; - is standard input.", "IMAGE...")]
    beside: Annotated[
        str,
        option(
            STUDY, "--method", metavar="NAME", default="static", complete="methods",
            help="The method to set beside float32.",
        ),
    ] = "static"  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Init:
    """`quantbench init`."""

    file: Annotated[
        Path, argument("The file to write; it must be new.  [default: my_task.py]", "FILE")
    ] = Path("my_task.py")


@dataclass(frozen=True, kw_only=True)
class Compile:
    """`quantbench compile`."""

    model: Annotated[str, argument("A network; with --from, a method's name.", "MODEL.onnx")] = ""
    study: Annotated[
        Path | None,
        option(
            None, "--from", metavar="FOLDER",
            help="Take what a method wrote into this folder of results.",
        ),
    ] = None  # fmt: skip
    out: Annotated[
        Path | None,
        option(None, "-o", "--out", metavar="FOLDER", help="The folder to write: new or empty."),
    ] = None
    dtype: Annotated[
        str,
        option(
            None, "--dtype", metavar="TYPE", default="int8",
            help="int8: of a quantized network; float32: of one that isn't.",
        ),
    ] = "int8"  # fmt: skip
    target: Annotated[
        str,
        option(
            None, "--target", metavar="TARGET", default="portable",
            help="portable: any processor; native: wide registers, too; cortex-m4 and cortex-m7: "
            "portable, with the instructions counted there.",
        ),
    ] = "portable"  # fmt: skip
    name: Annotated[
        str,
        option(
            None, "--name", metavar="NAME", default="model",
            help="The prefix of all C names, and of the files: NAME.h, NAME.c.",
        ),
    ] = "model"  # fmt: skip
    isa: Annotated[
        str,
        option(
            None, "--isa", metavar="NAMES",
            help="For --target native: only kernels for these, separated by commas: avx2,neon.",
        ),
    ] = ""  # fmt: skip
    integer_only: Annotated[
        bool,
        option(
            None, "--integer-only",
            help="For --target native: no float32, though it is proved to give the same.",
        ),
    ] = False  # fmt: skip
    optimize: Annotated[
        str,
        option(
            None, "--optimize", metavar="COST", default="size",
            help="Portable code of int8 in few bytes (size) or in few instructions (speed).",
        ),
    ] = "size"  # fmt: skip
    build: Annotated[
        Path | None,
        option(
            None, "--build", metavar="FOLDER",
            help="Compile and check in this folder, not beside the output.",
        ),
    ] = None  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Verify:
    """`quantbench verify`."""

    folder: Annotated[Path, argument("A folder that `quantbench compile` wrote.", "FOLDER")]
    model: Annotated[
        Path | None,
        option(None, "--model", metavar="MODEL.onnx", help="The network that it was written from."),
    ] = None
    data: Annotated[
        str | None,
        option(
            None, "--data", metavar="DATA",
            help="Your inputs: a file .npz, .npy or .csv, or a folder of images.",
        ),
    ] = None  # fmt: skip
    float_model: Annotated[
        Path | None,
        option(
            None, "--float", metavar="NET.onnx",
            help="The network before it was quantized, to say how far the answers are from it.",
        ),
    ] = None  # fmt: skip
    cpu: Annotated[
        list[str] | None,
        option(
            None, "--cpu", metavar="NAME", default="native, this CPU",
            help="Where to run it: portable, a set of kernels such as avx2, a simulated machine "
            "such as cortex-m7, or all; several: A,B, or repeat it.",
        ),
    ] = None  # fmt: skip
    samples: Annotated[
        int | None,
        option(
            None, "--samples", metavar="N", default="all, 64 on a simulated machine",
            help="Take only the first N.",
        ),
    ] = None  # fmt: skip
    json: Annotated[
        Path | None, option(None, "--json", metavar="FILE", help="Write the outcome as JSON.")
    ] = None
    build: Annotated[
        Path | None,
        option(
            None, "--build", metavar="FOLDER",
            help="Compile and run in this folder, not beside the C.",
        ),
    ] = None  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class List(PluginFiles):
    """`quantbench list`."""

    check: Annotated[
        bool,
        option(None, "--check", help="Import each, which also shows a library that is damaged."),
    ] = False


@dataclass(frozen=True, kw_only=True)
class Doctor(PluginFiles, DataSource):
    """`quantbench doctor`."""
