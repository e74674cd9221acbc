"""The section on how it was measured, and how to do it again."""

from __future__ import annotations

from collections.abc import Iterator

from quantbench.report.circumstances import machine_line
from quantbench.report.html.parts import Command, Pairs, Part, Report, Section, Words
from quantbench.report.terminal.details import described, machine
from quantbench.report.words import joined
from quantbench.results.records import Results
from quantbench.results.select import largest_batch

_RULES = (
    "Each row runs in a process of its own. All rows take turns in slices of a few milliseconds, "
    "in a balanced random order, so that a disturbance meets all of them; rows that could be the "
    "answer are started afresh several times, and intervals are over these starts. A row is faster "
    "or slower only where its 95% interval says so, equivalent where the interval lies within the "
    "margin, and else not resolved. Scores are compared sample by sample, and corrected for the "
    "number of rows."
)


def section(report: Report) -> Section:
    """The section of the measurement."""
    results = report.results
    parts: tuple[Part, ...] = (
        Words(_RULES),
        Pairs(tuple(_facts(results))),
        *(Command(command, words) for words, command in _again(results)),
        Words("What each row is:"),
        Pairs(tuple(described(results.rows))),
    )
    return Section("method", "How it was measured, and how to repeat it", parts)


def _facts(results: Results) -> Iterator[tuple[str, str]]:
    yield from machine(results.environment)
    yield "circumstances", machine_line(results).removeprefix("Machine: ")
    batches = sorted({x.batch for row in results.rows if (x := largest_batch(row, "model"))})
    threads = sorted({row.threads for row in results.rows})
    yield (
        "times",
        f"of 1 {results.sample} and of batches of {joined(f'{n:,}' for n in batches)}, on "
        f"{joined(map(str, threads))} {'thread' if threads == [1] else 'threads'}",
    )
    yield "network", f"{results.model}, SHA-256 {results.network_sha256}"
    for name, digest in results.splits.items():
        yield f"{name} samples", f"of {results.data}, SHA-256 {digest}"
    yield "quantbench", results.quantbench


def _again(results: Results) -> Iterator[tuple[str, str]]:
    if results.training is not None:
        seed = results.training.seed
        yield (
            "Measure it again, on this machine or another:",
            f"quantbench run --model {results.model} --data {results.data} --seed {seed}",
        )
    else:
        yield (
            "Measure it again, with the network and samples of this study:",
            "quantbench run NETWORK --test TEST --calibration CALIBRATION",
        )
    yield "Make this page again from the saved results:", "quantbench report results/results.json"
    yield (
        "Let CI refuse a change that makes it slower, larger or worse:",
        "quantbench compare results/results.json new/results.json --fail-if 'latency > +3%'",
    )
