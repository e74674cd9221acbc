"""The command `quantbench show`, in a module that doesn't load PyTorch; and what of it to show."""

from __future__ import annotations

from quantbench.cli import result_records
from quantbench.cli.groups import Shown
from quantbench.errors import UnknownNameError
from quantbench.report.order import Order
from quantbench.report.terminal.page import View, comparison
from quantbench.results.file import read_results
from quantbench.system.terminal import Terminal

RESULTS = "results.json"


def show(record: result_records.Show) -> None:
    """Print the page of a finished study.

    Raises UnknownNameError, and ResultsError for a file that can't be read.
    """
    view = view_of(record)
    path = record.study / RESULTS if record.study.is_dir() else record.study
    Terminal().print(comparison(read_results(path), view))


def view_of(record: Shown) -> View:
    """Read what a command's options ask to be shown. Raises UnknownNameError."""
    try:
        by = Order(record.sort)
    except ValueError:
        raise UnknownNameError("order of --sort", record.sort, Order) from None
    return View(by, record.all_rows, record.details)
