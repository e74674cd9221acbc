"""What a compiled network takes: flash, memory and multiply-adds, layer by layer."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from quantbench.c99.deliver import Costs


def cost_table(costs: Costs) -> Table:
    table = Table(box=None)
    for heading in ("layer", "node", "kind"):
        table.add_column(heading)
    for heading in ("output", "multiply-adds", "weights", "tables"):
        table.add_column(heading, justify="right")
    for one in costs.layers:
        shape = " x ".join(map(str, one.output))
        counts = (f"{count:,}" for count in (one.macs, one.weights, one.tables))
        table.add_row(one.layer, Text(one.name), one.kind, shape, *counts)
    macs = sum(one.macs for one in costs.layers)
    weights, tables = (
        sum(getattr(one, of) for one in costs.layers) for of in ("weights", "tables")
    )
    table.add_row("all", "", "", "", f"{macs:,}", f"{weights:,}", f"{tables:,}")
    return table


def memory(costs: Costs) -> tuple[str, ...]:
    if costs.unbuilt is not None:
        flash = f"not built here: {costs.unbuilt}"
    elif costs.flash is None:
        flash = "built and checked; its size can't be read from this system's object files"
    else:
        flash = f"{costs.flash:,} bytes of code and constants (-Os, this machine)"
    beside = f"{costs.input:,} of input and {costs.output:,} of output"
    passed = () if costs.unbuilt else ("golden vectors: pass",)
    return (
        f"flash: {flash}",
        f"RAM: {costs.scratch:,} bytes, beside {beside}",
        *passed,
    )
