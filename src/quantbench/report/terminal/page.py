"""The page at the end of a run: the details first, the recommendation last."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from quantbench.report.order import Order, ordered
from quantbench.report.stability import unstable
from quantbench.report.terminal.cells import UNSTABLE
from quantbench.report.terminal.details import (
    described,
    machine,
    score_table,
    time_table,
    under_scores,
    under_time,
)
from quantbench.report.terminal.earlier import earlier_lines, earlier_pairs
from quantbench.report.terminal.grid import listed
from quantbench.report.terminal.main_table import MainTable
from quantbench.report.terminal.recommendation import recommendation_lines
from quantbench.report.words import an
from quantbench.results.records import Results


def comparison(results: Results, by: Order = Order.LATENCY) -> RenderableType:
    """All tables and sentences on a study, with rows sorted by `by`."""
    title = (
        f"{results.model} on {results.data}: {results.parameters:,} parameters, "
        f"{results.macs:,} multiply-adds {an(results.sample)}"
    )
    rows = ordered(results, by)
    return Group(
        Text(title, style="bold"),
        *listed("What each row is", described(rows)),
        *listed(
            "Not measured",
            ((f"{skip.method} on {skip.runtime}", skip.reason) for skip in results.skipped),
        ),
        *listed("Measured on", machine(results.environment)),
        Text(),
        score_table(results, rows),
        *(Text(line) for line in under_scores(results)),
        Text(),
        time_table(results, rows),
        *(Text(line) for line in under_time(results)),
        *listed(
            f"{UNSTABLE} Unstable, repeat on an idle machine: the middle half of its rounds spans",
            (
                (row.name, "; ".join(reasons))
                for row in rows
                if (reasons := unstable(row, results.sample))
            ),
        ),
        Text(),
        MainTable(results, by),
        *earlier_lines(results, earlier_pairs(results)),
        Text(),
        *(
            Text.assemble((f"{name}: ", "bold"), words)
            for name, words in recommendation_lines(results)
        ),
    )
