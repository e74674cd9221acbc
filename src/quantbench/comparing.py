"""What `quantbench compare` prints. Apart from the commands that load PyTorch."""

from __future__ import annotations

from pathlib import Path

from quantbench.report.compared import compared
from quantbench.results_file import read_results
from quantbench.side_by_side import side_by_side
from quantbench.terminal import Terminal


def compare(files: tuple[Path, Path]) -> None:
    one, other = (read_results(path) for path in files)
    names = str(files[0]), str(files[1])
    Terminal().print(compared(side_by_side(one, other), names, (one, other)))
