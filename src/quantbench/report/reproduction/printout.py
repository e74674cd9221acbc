"""The source report's printout with our measurements, each above the report's own figure.

The layout follows PyTorch's tutorials: size, then loss and accuracy, then elapsed time.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from quantbench.report.reproduction.claims import RUNTIME, claims, row_of
from quantbench.report.words import IMAGES, joined
from quantbench.results.records import Results, Row
from quantbench.results.select import largest_batch

WIDTH = 80


@dataclass(frozen=True)
class Reported:
    """The figures that the report printed for one model, as texts."""

    megabytes: str
    loss: str
    correct: int
    percent: str
    seconds: str


FLOAT = Reported("0.250382", "0.0992", 9719, "97.19", "0.735183")
DYNAMIC = Reported("0.219062", "0.0997", 9719, "97.19", "0.749665")
STATIC = Reported("0.075466", "0.1505", 9570, "95.70", "0.741795")
BLOCKS = (
    ("Floating point model", "float32", FLOAT),
    ("Dynamically quantized model", "dynamic", DYNAMIC),
    ("Statically quantized model, not calibrated, as in the report", "static_uncalibrated", STATIC),
    ("Statically quantized model, calibrated", "static", STATIC),
)


def as_reported(
    results: Results, structures: dict[str, str], paired: tuple[int, int] | None = None
) -> str:
    """The printout, in lines of WIDTH columns, with the report's claims at its end.

    `structures`: method -> the network as PyTorch prints it, whose lines aren't wrapped; other
    methods go without. `paired` counts the images that only calibrated static, and only
    uncalibrated static, has right.
    """
    return "\n".join(_lines(results, structures, paired)) + "\n"


def _lines(
    results: Results, structures: dict[str, str], paired: tuple[int, int] | None
) -> Iterator[str]:
    trained = f", trained by the recipe {results.training.recipe}" if results.training else ""
    yield from _wrapped(
        f"{results.model} on {results.data}{trained}, run by {RUNTIME} on "
        f"{results.environment.cpu}. Under each line, in brackets, the report's own figure: "
        f"another training, and another machine. Elapsed time is for {IMAGES:,} images at the "
        "largest batch, data loading included, as in the report."
    )
    for title, method, reported in BLOCKS:
        yield ""
        yield title
        yield "=" * len(title)
        if method in structures:
            yield structures[method]
        row = row_of(results, method)
        if row is None:
            yield from _wrapped(f"not measured: {_why(results, method)}")
        else:
            yield from _block(row, reported)
    yield ""
    yield "The report's claims"
    yield "==================="
    for number, claim in enumerate(claims(results, paired), 1):
        yield from _wrapped(f"{number}. {claim.claim}", "   ")
        yield from _wrapped(f"   {claim.answer}", "   ")
        if claim.findings:
            names = joined(name.replace("_", " ") for name in claim.findings)
            yield from _wrapped(f"   Found by `quantbench explain`: {names}.", "   ")


def _block(row: Row, reported: Reported) -> Iterator[str]:
    loss, accuracy = row.metrics.get("loss"), row.metrics.get("accuracy")
    shown = "none" if loss is None or loss.value is None else f"{loss.value:.4f}"
    share = 0.0 if accuracy is None or accuracy.value is None else accuracy.value
    yield f"Size (MB): {row.bytes / 1e6:.6f}"
    yield f"  [report: {reported.megabytes}]"
    yield (
        f"Test set: Average loss: {shown}, Accuracy: {round(share * row.samples)}/{row.samples} "
        f"({100 * share:.2f}%)"
    )
    yield (
        f"  [report: Average loss: {reported.loss}, Accuracy: {reported.correct}/10000 "
        f"({reported.percent}%)]"
    )
    timed = largest_batch(row, "end_to_end")
    if timed is None:
        yield "Elapsed time (seconds): not timed"
    else:
        yield f"Elapsed time (seconds): {timed.median * IMAGES / 1e6:.6f}"
    yield f"  [report: {reported.seconds}]"


def _why(results: Results, method: str) -> str:
    return next(
        (
            skip.reason
            for skip in results.skipped
            if (skip.method, skip.runtime) == (method, RUNTIME)
        ),
        "it was not asked for",
    )


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False)
