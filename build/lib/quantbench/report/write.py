"""Write the results and figures of a study into its folder."""

from __future__ import annotations

from pathlib import Path

from quantbench.report.figure import (
    comparison_figure,
    latency_figure,
    loss_figure,
    tradeoff_figure,
)
from quantbench.results.records import Results
from quantbench.system.files import write_atomic


def write(results: Results, out: Path) -> tuple[str, ...]:
    """Write the files of a study into `out` and return their names; each is replaced whole.

    Those of the training are written where there was one.

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
    return tuple(files)
