"""The command `quantbench compare`, in a module that doesn't load PyTorch."""

from __future__ import annotations

from pathlib import Path

from quantbench.report.terminal.diff import compared
from quantbench.results.diff import side_by_side
from quantbench.results.file import read_results
from quantbench.system.terminal import Terminal


def compare(files: tuple[Path, Path]) -> None:
    """Print two results.json side by side. Raises ResultsError for a file that can't be read."""
    one, other = (read_results(path) for path in files)
    names = str(files[0]), str(files[1])
    Terminal().print(compared(side_by_side(one, other), names, (one, other)))
