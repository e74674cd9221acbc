"""`quantbench compare` of two folders that `quantbench compile` wrote."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from quantbench.c99.package import KIND, Costs
from quantbench.report.terminal.compiled import costs_compared
from quantbench.results.gate.compiled import judge_compiled
from quantbench.results.gate.judge import Judged
from quantbench.results.gate.rule import Rule
from quantbench.system.store import load
from quantbench.system.terminal import Terminal


def compare_compiled(files: tuple[Path, Path], rules: Sequence[Rule]) -> tuple[Judged, ...]:
    """Print the costs of two compiled networks side by side, and judge them by rules.

    Raises ArtifactError for a folder that isn't as compile wrote it, UsageError for a rule about
    what it doesn't measure.
    """
    a, b = (load(folder, KIND, Costs).body for folder in files)
    judged = judge_compiled(rules, a, b)
    Terminal().print(costs_compared(a, b))
    return judged
