"""The page of a verification: bits on each CPU, then distances from each reference."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from quantbench.c99.verify.records import Distance, Execution, Verification
from quantbench.report.terminal.grid import listed, titled
from quantbench.report.words import NONE, count
from quantbench.system.terminal import harmless

_SHOWN = 10


def verified_page(outcome: Verification) -> RenderableType:
    """All that a verification found, within 80 columns."""
    parts: list[RenderableType] = [Text(_summary(outcome), style="bold"), Text()]
    parts.append(_bits(outcome.executions))
    parts += [Text(harmless(line)) for line in _differences(outcome.executions)]
    left_out = [(execution.cpu, execution.missing or "") for execution in _missing(outcome)]
    if left_out:
        parts += [Text(), *listed("Not run here", left_out)]
    if outcome.distances:
        parts += [Text(), _distances(outcome.distances), *_notes(outcome)]
        parts += [Text(), *_worst(outcome.distances)]
    parts += [Text(f"not measured: {reason}") for reason in outcome.unmeasured]
    return Group(*parts)


def first_difference(execution: Execution) -> str:
    """The sentence that names the first sample, value and layer that differ on one CPU."""
    first = execution.first
    if first is None:
        raise ValueError(f"nothing differs on {execution.cpu}")
    at = ", ".join(map(str, first.place))
    output = f"output {first.output} " if first.output else "output "
    where = f"first in layer {first.layer}" if first.layer else f"({first.note})"
    return (
        f"{execution.samples - execution.equal:,} of {count(execution.samples, 'sample')} differ "
        f"from the integer graph; sample {first.sample}, {output}[{at}] is {first.value}, not "
        f"{first.expected}; {where}"
    )


def _summary(outcome: Verification) -> str:
    ran = [execution for execution in outcome.executions if execution.missing is None]
    passed = sum(execution.passed for execution in ran)
    if not ran:
        return "Nothing was run."
    if passed < len(ran):
        return f"The C is NOT the integer graph on {len(ran) - passed} of {_builds(len(ran))}."
    where = f"in {_builds(len(ran))}" if len(ran) > 1 else f"on {ran[0].cpu}"
    numbers = sorted({execution.samples for execution in ran}, reverse=True)
    fewer = f" ({numbers[-1]:,} where it is simulated)" if len(numbers) > 1 else ""
    return (
        f"The C is the integer graph, bit for bit, {where}: all outputs of "
        f"{count(numbers[0], 'sample')}{fewer} are equal."
    )


def _builds(number: int) -> str:
    return count(number, "build")


def _missing(outcome: Verification) -> list[Execution]:
    return [execution for execution in outcome.executions if execution.missing is not None]


def _bits(executions: tuple[Execution, ...]) -> Table:
    table = titled("C against the integer graph, all bits of all outputs")
    table.add_column("cpu")
    table.add_column("samples", justify="right")
    table.add_column("equal", justify="right")
    table.add_column("built and run by", overflow="fold")
    for execution in executions:
        if execution.missing is None:
            ran = execution.failed is None
            counts = (f"{execution.samples:,}", f"{execution.equal:,}") if ran else (NONE, "failed")
            style = None if execution.passed else "red"
            table.add_row(harmless(execution.cpu), *counts, harmless(execution.how), style=style)
    return table


def _differences(executions: tuple[Execution, ...]) -> Iterator[str]:
    for execution in executions:
        if execution.failed is not None:
            yield f"{execution.cpu}: {execution.failed}"
        elif execution.first is not None:
            yield f"{execution.cpu}: {first_difference(execution)}"


def _distances(distances: tuple[Distance, ...]) -> Table:
    steps_of_all = all(distance.in_steps for distance in distances)
    unit = "steps of its output" if steps_of_all else "steps, or (*) in an output's own numbers"
    table = titled(f"The integer graph's distance, in {unit}")
    table.add_column("from")
    for heading in ("same\nanswer", "mean", "largest"):
        table.add_column(heading, justify="right")
    steps = ("0", "1", "2", "3+")
    for step in steps:
        table.add_column(f"off by\n{step}", justify="right")
    for distance in distances:
        same = NONE if distance.same_answer is None else _percent(distance.same_answer)
        shares = [_percent(share) for share in distance.shares] or [NONE] * len(steps)
        amounts = (f"{distance.mean:.3g}", f"{distance.largest:.4g}")
        name = harmless(distance.to) + ("" if distance.in_steps else " *")
        table.add_row(name, same, *amounts, *shares)
    return table


def _percent(share: float) -> str:
    """A share in per cent, whose rounding never makes 100 or 0 of less or more."""
    if 0 < share < 0.0001:
        return "<0.01%"
    if 0.9999 < share < 1:
        return ">99.99%"
    return f"{100 * share:.2f}%" if 0 < share < 1 else f"{share:.0%}"


def _notes(outcome: Verification) -> Iterator[Text]:
    free = [distance for distance in outcome.distances if not distance.in_steps]
    if free:
        widest = max(distance.output_range for distance in free)
        yield Text(f"* isn't rounded to 8 bits, so that there are no steps; spans {widest:.3g}.")
    for distance in outcome.distances:
        if distance.changed:
            named = ", ".join(map(str, distance.changed[:_SHOWN]))
            more = len(distance.changed) - _SHOWN
            yield Text(
                f"another answer than {harmless(distance.to)}: "
                f"{'sample' if len(distance.changed) == 1 else 'samples'} {named}"
                + (f" and {more:,} more" if more > 0 else "")
            )


def _worst(distances: tuple[Distance, ...]) -> Iterator[RenderableType]:
    table = titled("The samples that are furthest")
    for heading in ("from", "sample", "off by", "answer", "there"):
        table.add_column(heading, justify="left" if heading == "from" else "right")
    for distance in distances:
        for number, sample in enumerate(distance.worst):
            answers = (sample.answer, sample.reference)
            table.add_row(
                harmless(distance.to) if number == 0 else "",
                f"{sample.sample:,}",
                f"{sample.largest:.4g}",
                *(NONE if answer is None else str(answer) for answer in answers),
            )
    if table.row_count:
        yield table
