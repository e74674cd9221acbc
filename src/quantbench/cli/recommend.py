"""The command `quantbench recommend`, in a module that doesn't load PyTorch."""

from __future__ import annotations

from rich.text import Text

from quantbench.cli.result_records import Recommend
from quantbench.cli.show import RESULTS
from quantbench.errors import NoRowError
from quantbench.explain.file import kept_explanation
from quantbench.explain.judge import judge
from quantbench.report.selection import told
from quantbench.report.terminal.selection import selection_page
from quantbench.results.file import read_results
from quantbench.results.limits import limits
from quantbench.results.within import select_within
from quantbench.system.terminal import Terminal


def recommend(record: Recommend) -> None:
    """Print the row to ship within limits, and why.

    Remedies are of what `quantbench explain` found, where it ran, else of what results show. Raises
    UsageError, ResultsError for a file that can't be read, and NoRowError, after all is shown,
    where no row is shown to keep every limit.
    """
    path = record.study / RESULTS if record.study.is_dir() else record.study
    results = read_results(path)
    chosen = limits(
        results.metric,
        max_drop=record.max_drop,
        max_size=record.max_size,
        max_latency=record.max_latency,
        minimize=record.minimize,
        batch=record.batch,
    )
    selection = select_within(results, chosen)
    explained = kept_explanation(path)
    findings = judge(results, explained).findings
    words = told(selection, results, path.parent, findings)
    terminal = Terminal()
    terminal.print(selection_page(words))
    if words.commands:
        terminal.print(Text("\nTo build and ship it", style="bold"))
        for command in words.commands:
            terminal.say(f"  {command}")
    if selection.chosen is None:
        raise NoRowError("no row is shown to keep every limit; loosen one, or see what would help")
