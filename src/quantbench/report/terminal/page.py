"""The page at the end of a run: the details first, the recommendation last."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from quantbench.report.order import Order, ordered
from quantbench.report.stability import unstable
from quantbench.report.terminal.cells import UNSTABLE
from quantbench.report.terminal.details import (
    accuracy_table,
    described,
    machine,
    time_table,
    under_accuracy,
    under_time,
)
from quantbench.report.terminal.grid import listed
from quantbench.report.terminal.main_table import MainTable
from quantbench.report.terminal.recommendation import recommendation_lines
from quantbench.results.records import Results


def comparison(results: Results, by: Order = Order.LATENCY) -> RenderableType:
    """All tables and sentences on a study, with rows sorted by `by`."""
    title = (
        f"{results.model} on {results.data}: {results.parameters:,} parameters, "
        f"{results.macs:,} multiply-adds an image"
    )
    rows = ordered(results.rows, by)
    return Group(
        Text(title, style="bold"),
        *listed("What each row is", described(rows)),
        *listed(
            "Not measured",
            ((f"{skip.method} on {skip.runtime}", skip.reason) for skip in results.skipped),
        ),
        *listed("Measured on", machine(results.environment)),
        Text(),
        accuracy_table(rows),
        *(Text(line) for line in under_accuracy()),
        Text(),
        time_table(rows),
        *(Text(line) for line in under_time(results)),
        *listed(
            f"{UNSTABLE} Unstable, repeat on an idle machine: the middle half of its rounds spans",
            ((row.name, "; ".join(unstable(row))) for row in rows if unstable(row)),
        ),
        Text(),
        MainTable(results, by),
        Text(),
        *(
            Text.assemble((f"{name}: ", "bold"), words)
            for name, words in recommendation_lines(results)
        ),
    )
