"""The command `quantbench explain`."""

from __future__ import annotations

from quantbench.cli import result_records
from quantbench.cli.configure import configured
from quantbench.cli.progress import TerminalProgress
from quantbench.errors import UsageError
from quantbench.explain.other_cpu import known_kernels
from quantbench.explain.sections import Asked
from quantbench.report.terminal.explanation.page import explanation_page
from quantbench.settings.layers import at_commas
from quantbench.studies import explain as use_case
from quantbench.system.terminal import Terminal


def explain(record: result_records.Explain) -> None:
    """Explain a finished study, print it and write explanation.json.

    Raises UsageError, ResultsError, and what preparing the task raises.
    """
    study = configured(record, methods=())
    rows = tuple(record.row) if record.row else None
    asked = Asked(
        rows=rows,
        max_drop=_number(record.max_drop),
        predict_on=record.predict_on and known_kernels(record.predict_on),
    )
    with TerminalProgress() as progress:
        done = use_case.explain(
            study.options, study.overrides, progress, asked=asked, only=at_commas(record.only or ())
        )
    Terminal().print(explanation_page(done.explanation, done.results))
    Terminal(stderr=True).say(f"written to {done.file}")


def _number(text: str | None) -> float | None:
    """The drop that is allowed, in points where the metric is a fraction. Raises UsageError."""
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise UsageError(f"--max-drop '{text}': write a number such as 0.1, in points")
    return value
