"""What a compiled network takes: flash, memory and multiply-adds, layer by layer."""

from __future__ import annotations

from rich.table import Table

from quantbench.c99.build.cortex_m import Counts
from quantbench.c99.package import Costs
from quantbench.system.terminal import harmless


def cost_table(costs: Costs) -> Table:
    table = Table(box=None)
    for heading in ("layer", "node", "kind"):
        table.add_column(heading)
    for heading in ("output", "multiply-adds", "weights", "tables"):
        table.add_column(heading, justify="right")
    for one in costs.layers:
        shape = " x ".join(map(str, one.output))
        counts = (f"{count:,}" for count in (one.macs, one.weights, one.tables))
        table.add_row(one.layer, harmless(one.name), one.kind, shape, *counts)
    macs = sum(one.macs for one in costs.layers)
    weights, tables = (
        sum(getattr(one, of) for one in costs.layers) for of in ("weights", "tables")
    )
    table.add_row("all", "", "", "", f"{macs:,}", f"{weights:,}", f"{tables:,}")
    return table


def memory(costs: Costs) -> tuple[str, ...]:
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
    found = [
        f"{one.instructions:,} with {one.level}" + (f" (flash: {one.flash:,})" if number else "")
        for number, one in enumerate(counts.built)
        if one.instructions is not None
    ]
    if not found:
        return f"instructions: not counted: {counts.missing}"
    how = f"counted by QEMU to within {counts.resolution}"
    return f"instructions, not cycles, of an inference: {', '.join(found)}; {how}"


def _stack(counts: Counts) -> str:
    deepest = [one.stack for one in counts.built if one.stack is not None]
    return f", and {deepest[0]:,} of stack" if deepest else ""
