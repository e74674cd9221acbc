"""The page of networks in Markdown, from what methods and runtimes made of each network."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from quantbench.numerics.coverage import Coverage
from quantbench.system.record import Record

BASELINE = "float32"
NO_FILE = "–"
"""The method writes no file that the runtime reads."""
_ABOUT = f"""\
The networks are those of [tests/families](../tests/families), made smaller and fitted to generated
data for some seconds; the methods have their settings by default. `qat`, which trains, is left out.

A percentage is the share of the network's multiply-adds that run on integers, read from the
artifact's file and rounded down: 100 % is all of them. Each file ran on 64 calibration samples, on
the first of its runtimes that isn't quantbench's own, and its answers share at least half of their
variance with float32's. On the others it wasn't run: they don't refuse it. Nothing here was
evaluated or timed, which `quantbench run` does. A number in brackets leads to a [reason](#reasons)
why nothing runs; {NO_FILE} says that the method writes no file which the runtime reads.
""".splitlines()


class Cell(Record):
    """A method on a runtime, "*" for all: the artifact's coverage, or the reason why none runs."""

    method: str
    runtime: str
    coverage: Coverage | None = None
    simulated: bool = False
    reason: str | None = None
    failed: bool = False


class Walk(Record):
    """A network with the cells of its table, or the reason why it has none."""

    family: str
    parameters: int = 0
    macs: int = 0
    cells: tuple[Cell, ...] = ()
    failure: str | None = None


def page(
    walks: Sequence[Walk],
    command: str,
    environment: str,
    untried: Sequence[str] = (),
    missing: Sequence[str] = (),
) -> str:
    """The whole page. `untried`: runtimes that ran nothing, so that the file's word stands.

    `missing`: families that weren't walked.
    """
    reasons: list[str] = []
    methods = _named([cell for walk in walks for cell in walk.cells], "method")
    sections = [line for walk in walks for line in _section(walk, methods, reasons, untried)]
    return "\n".join(
        [
            "# Networks: what runs on integers where",
            "",
            *_introduction(command, environment, untried),
            "",
            "## All networks",
            "The best share of each method, and in brackets the number of runtimes that take it.",
            "",
            *_summary(walks, [method for method in methods if method != BASELINE]),
            *(("", f"Not on this page yet: {', '.join(missing)}.") if missing else ()),
            "",
            *sections,
            "## Reasons",
            *(f"{number}. {reason}" for number, reason in enumerate(reasons, 1)),
            "",
        ]
    )


def _introduction(command: str, environment: str, untried: Sequence[str]) -> Iterator[str]:
    yield f"`{command}` wrote this page, with {environment}."
    yield from _ABOUT
    if untried:
        yield f"A star: {', '.join(untried)} compiles to C++ for minutes, so the file was read but"
        yield "didn't run."


def _summary(walks: Sequence[Walk], methods: Sequence[str]) -> Iterator[str]:
    yield f"| network | parameters | multiply-adds | {' | '.join(methods)} |"
    yield f"|---|--:|--:|{'--:|' * len(methods)}"
    for walk in walks:
        figures = f"{walk.parameters:,} | {walk.macs:,}"
        best = " | ".join(_best(walk, method) for method in methods)
        yield f"| [{walk.family}](#{_anchor(walk.family)}) | {figures} | {best} |"


def _best(walk: Walk, method: str) -> str:
    running = [cell for cell in walk.cells if cell.method == method and cell.coverage is not None]
    if not running:
        return "no"
    best = max(running, key=_integer_share)
    return f"{_share(best)} ({len({cell.runtime for cell in running})})"


def _section(
    walk: Walk, methods: Sequence[str], reasons: list[str], untried: Sequence[str]
) -> Iterator[str]:
    """Yield a network's table; `reasons` is added to."""
    yield f"## {walk.family}"
    if walk.failure is not None:
        yield f"Nothing was quantized: {walk.failure}"
        yield ""
        return
    runtimes = _named(walk.cells, "runtime")
    yield f"| method | {' | '.join(runtimes)} |"
    yield f"|---|{'--:|' * len(runtimes)}"
    for method in methods:
        cells = [_text(walk, method, runtime, reasons, untried) for runtime in runtimes]
        yield f"| {method} | {' | '.join(cells)} |"
    yield ""


def _named(cells: Sequence[Cell], key: str) -> list[str]:
    """The methods or runtimes of cells, sorted, float32 first."""
    names: set[str] = {getattr(cell, key) for cell in cells} - {"*"}
    return sorted(names, key=lambda name: (name != BASELINE, name))


def _text(walk: Walk, method: str, runtime: str, reasons: list[str], untried: Sequence[str]) -> str:
    """The share of integers, or the number of a reason, which is added where it is new."""
    about = [
        cell
        for cell in walk.cells
        if cell.method in (method, "*") and cell.runtime in (runtime, "*")
    ]
    running = [cell for cell in about if cell.coverage is not None]
    if running:
        return _share(running[0]) + ("\\*" if runtime in untried else "")
    if not about or about[0].reason is None:
        return NO_FILE
    reason = about[0].reason.replace("|", "\\|")
    if reason not in reasons:
        reasons.append(reason)
    return f"{'fails' if about[0].failed else 'no'} [{reasons.index(reason) + 1}]"


def _share(cell: Cell) -> str:
    """Round down, so that 100 % means all of it."""
    if cell.simulated:
        return "simulated"
    coverage = cell.coverage
    if coverage is None or not coverage.integer_macs:
        return BASELINE
    whole = coverage.integer_macs + coverage.float_macs
    percent = 100 * coverage.integer_macs // whole
    return f"{percent} %" if percent else "< 1 %"


def _integer_share(cell: Cell) -> float:
    return 0.0 if cell.coverage is None else 1 - cell.coverage.float_share


def _anchor(heading: str) -> str:
    """The anchor that Markdown readers give a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
