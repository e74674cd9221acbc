"""Write the results, the figures and the report of a study into its folder."""

from __future__ import annotations

from pathlib import Path

from quantbench.errors import ResultsError
from quantbench.explain.file import kept_explanation
from quantbench.explain.records import Explanation
from quantbench.report.figure import (
    comparison_figure,
    latency_figure,
    loss_figure,
    tradeoff_figure,
)
from quantbench.report.html.page import report_html
from quantbench.report.html.parts import Embedded
from quantbench.results.records import Results
from quantbench.system.files import write_atomic

REPORT = "report.html"


def write(results: Results, out: Path, embedded: Embedded | str = "") -> tuple[str, ...]:
    """Write the files of a study into `out` and return their names; each is replaced whole.

    Those of the training are written where there was one. `embedded` is the network that the
    report holds, or why it doesn't.

    Raises StorageError.
    """
    files = {
        "results.json": results.model_dump_json(indent=1).encode() + b"\n",
        "figure.png": comparison_figure(results),
        "latency.png": latency_figure(results),
        "tradeoff.png": tradeoff_figure(results),
    }
    if results.training is not None:
        files["training.json"] = results.training.model_dump_json(indent=1).encode() + b"\n"
        files["loss.png"] = loss_figure(results.training)
    for name, content in files.items():
        write_atomic(out / name, content)
    page = report_html(results, _explanation(out / "results.json"), embedded)
    write_atomic(out / REPORT, page.encode())
    return (*files, REPORT)


def _explanation(results: Path) -> Explanation | None:
    """The explanation of these very results; one that can't be read is left out of the report."""
    try:
        return kept_explanation(results)
    except ResultsError:
        return None
