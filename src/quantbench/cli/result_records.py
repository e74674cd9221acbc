"""Records of commands that read results: their fields are its arguments and options."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from quantbench.cli.declare import OUTPUT, argument, option
from quantbench.cli.groups import (
    Shown,
    Target,
)


@dataclass(frozen=True, kw_only=True)
class Show(Shown):
    """`quantbench show`."""

    study: Annotated[
        Path, argument("A folder of results, or a results.json.  [default: results]", "RESULTS")
    ] = Path("results")


@dataclass(frozen=True, kw_only=True)
class Report:
    """`quantbench report`."""

    studies: Annotated[
        list[Path] | None,
        argument(
            "Folders of results, or results.json files; several stand side by side.  "
            "[default: results]",
            "RESULTS",
        ),
    ] = None
    html: Annotated[
        Path | None,
        option(
            None, "--html", metavar="FILE",
            default="report.html beside the results, side-by-side.html for several",
            help="The page to write.",
        ),
    ] = None  # fmt: skip
    markdown: Annotated[
        bool,
        option(None, "--markdown", help="Print a summary for a pull request; no page is written."),
    ] = False


@dataclass(frozen=True, kw_only=True)
class Explain(Target):
    """`quantbench explain`."""

    row: Annotated[
        list[str] | None,
        option(
            OUTPUT, "--row", metavar="NAME", default="those that the answer is about",
            help="Only this row, such as 'ort_static on c99'; may be repeated.",
        ),
    ] = None  # fmt: skip
    max_drop: Annotated[
        str | None,
        option(
            OUTPUT, "--max-drop", metavar="AMOUNT",
            help="Find the layers to leave float so that the score falls by no more: 0.1, in "
            "points where the metric is a share.",
        ),
    ] = None  # fmt: skip
    predict_on: Annotated[
        str | None,
        option(
            OUTPUT, "--predict-on", metavar="KERNELS",
            help="Predict the generated C's times with other kernels: avx2, avx512vnni, sse2.",
        ),
    ] = None  # fmt: skip
    only: Annotated[
        list[str] | None,
        option(
            OUTPUT, "--only", metavar="SECTION",
            help="Only these sections: see docs/explain.md; several: A,B, or repeat it.",
        ),
    ] = None  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Recommend:
    """`quantbench recommend`."""

    study: Annotated[
        Path, argument("A folder of results, or a results.json.  [default: results]", "RESULTS")
    ] = Path("results")
    max_drop: Annotated[
        str | None,
        option(
            None, "--max-drop", metavar="AMOUNT",
            help="How much worse than float32's its score may be: 0.1, in points where the metric "
            "is a share; 1%: of float32's score.",
        ),
    ] = None  # fmt: skip
    max_size: Annotated[
        str | None,
        option(None, "--max-size", metavar="BYTES", help="The most bytes: 80kB, 64KiB."),
    ] = None
    max_latency: Annotated[
        str | None,
        option(None, "--max-latency", metavar="TIME", help="The most time a sample: 50us, 2ms."),
    ] = None
    batch: Annotated[
        int | None,
        option(
            None, "--batch", metavar="N", default="the smallest that was timed",
            help="The batch whose time counts.",
        ),
    ] = None  # fmt: skip
    minimize: Annotated[
        str,
        option(
            None, "--minimize", metavar="FIGURE", default="latency",
            help="What shall be least: latency, size or drop.",
        ),
    ] = "latency"  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Serve:
    """`quantbench serve`."""

    out: Annotated[
        Path,
        option(None, "--out", metavar="FOLDER", default="results", help="A finished study."),
    ] = Path("results")
    row: Annotated[
        list[str] | None,
        option(
            None, "--row", metavar="NAME", default="those that the answer is about",
            help="A row to show beside float32, such as 'ort_static on c99'; may be repeated.",
        ),
    ] = None  # fmt: skip
    host: Annotated[
        str,
        option(
            None, "--host", metavar="ADDRESS", default="127.0.0.1",
            help="The address to listen at; another than this machine's own opens it to others.",
        ),
    ] = "127.0.0.1"  # fmt: skip
    port: Annotated[
        int, option(None, "--port", metavar="N", default="0: a free one", help="The port.")
    ] = 0


@dataclass(frozen=True, kw_only=True)
class Compare:
    """`quantbench compare`."""

    first: Annotated[
        Path, argument("A results.json, or a folder that compile wrote: what was.", "A.json")
    ]
    second: Annotated[Path, argument("Another: what is to be judged.", "B.json")]
    fail_if: Annotated[
        list[str] | None,
        option(
            None, "--fail-if", metavar="RULE",
            help="Exit with 1 if so: 'latency > +3%', 'accuracy < -0.1', 'flash > 64kB'; may be "
            "repeated.",
        ),
    ] = None  # fmt: skip
    strict: Annotated[
        bool | None,
        option(None, "--strict", help="Exit with 1 as well where a rule can't be resolved."),
    ] = None
    junit: Annotated[
        Path | None,
        option(None, "--junit", metavar="FILE", help="Write what the rules found as JUnit's XML."),
    ] = None
    markdown: Annotated[
        Path | None,
        option(
            None, "--markdown", metavar="FILE",
            help="Write it as a table in Markdown, for a comment on a pull request.",
        ),
    ] = None  # fmt: skip
    config: Annotated[
        Path | None,
        option(
            None, "--config", metavar="FILE.toml", default="quantbench.toml, if it is there",
            help="Settings: fail_if and strict in its table [compare].",
        ),
    ] = None  # fmt: skip
