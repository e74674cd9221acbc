"""What `quantbench compile` prints. Apart from the other commands, which load PyTorch."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from quantbench.c99.deliver import deliver
from quantbench.c99.targets import Dtype, Target
from quantbench.report.costs import cost_table, memory


def compile_(model: Path, out: Path, target: Target, dtype: Dtype = Dtype.INT8) -> None:
    compiled = deliver(model, out, target, dtype)
    console = Console(highlight=False, emoji=False, markup=False)
    console.print(cost_table(compiled.body))
    for line in (*memory(compiled.body), f"written to {out}: {', '.join(sorted(compiled.files))}"):
        console.print(line, soft_wrap=True)
