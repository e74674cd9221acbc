"""The costs of a compiled network: flash, memory and multiply-adds, layer by layer."""

from __future__ import annotations

from rich.table import Table

from quantbench.c99.build.cortex_m import Counts
from quantbench.c99.package import Costs
from quantbench.report.words import NONE
from quantbench.results.gate.compiled import cost
from quantbench.results.gate.judge import COMPILED
from quantbench.system.terminal import harmless


def cost_table(costs: Costs) -> Table:
    """A table with the costs of each layer, and their total."""
    table = Table(box=None)
    for heading in ("layer", "node", "kind"):
        table.add_column(heading)
    for heading in ("output", "multiply-adds", "weights", "tables"):
        table.add_column(heading, justify="right")
    for layer in costs.layers:
        shape = " x ".join(map(str, layer.output))
        counts = (f"{count:,}" for count in (layer.macs, layer.weights, layer.tables))
        table.add_row(layer.layer, harmless(layer.name), layer.kind, shape, *counts)
    macs = sum(layer.macs for layer in costs.layers)
    weights = sum(layer.weights for layer in costs.layers)
    tables = sum(layer.tables for layer in costs.layers)
    table.add_row("all", "", "", "", f"{macs:,}", f"{weights:,}", f"{tables:,}")
    return table


def costs_compared(a: Costs, b: Costs) -> Table:
    """A table with the costs of two compiled networks, and how much B has more."""
    table = Table(box=None)
    table.add_column("")
    for heading in ("A", "B", "B-A"):
        table.add_column(heading, justify="right")
    table.add_row("target", a.target, b.target)
    table.add_row("type", harmless(a.dtype), harmless(b.dtype))
    for name in COMPILED:
        before, now = cost(a, name), cost(b, name)
        more = "" if before is None or now is None else f"{now - before:+,}"
        figures = (NONE if value is None else f"{value:,}" for value in (before, now))
        table.add_row(name if name == "instructions" else f"{name}, bytes", *figures, more)
    return table


def memory(costs: Costs) -> tuple[str, ...]:
    """Lines on flash, RAM and, where QEMU counted them, stack and instructions."""
    counts = costs.counts
    if counts and counts.built:
        flash = f"{counts.built[0].flash:,} bytes of code and constants (-Os, {costs.target})"
    elif costs.unbuilt is not None:
        flash = f"not built here: {costs.unbuilt}"
    elif costs.flash is None:
        flash = "built and checked; its size can't be read from this system's object files"
    else:
        flash = f"{costs.flash:,} bytes of code and constants (-Os, this machine)"
    beside = f"{costs.input:,} of input and {costs.output:,} of output"
    counted = () if counts is None else (_instructions(counts),)
    stack = "" if counts is None else _stack(counts)
    where = [] if costs.unbuilt else ["on this machine"]
    where += [f"on {costs.target}"] if stack else []
    return (
        f"flash: {flash}",
        f"RAM: {costs.scratch:,} bytes, beside {beside}{stack}",
        *counted,
        *((f"golden vectors: pass {' and '.join(where)}",) if where else ()),
    )


def _instructions(counts: Counts) -> str:
    by_level = [
        f"{build.instructions:,} with {build.level}"
        + (f" (flash: {build.flash:,})" if number else "")
        for number, build in enumerate(counts.built)
        if build.instructions is not None
    ]
    if not by_level:
        return f"instructions: not counted: {counts.missing}"
    how = f"counted by QEMU to within {counts.resolution}"
    return f"instructions, not cycles, of an inference: {', '.join(by_level)}; {how}"


def _stack(counts: Counts) -> str:
    stacks = [build.stack for build in counts.built if build.stack is not None]
    return f", and {stacks[0]:,} of stack" if stacks else ""
