"""Machines that this one is not, and the tools that tests on them need."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from quantbench.c99.build.machines import MACHINES as MACHINES
from quantbench.c99.build.machines import Machine as Machine
from quantbench.c99.emit.library import Options
from quantbench.c99.generate import emit
from quantbench.c99.ir.graph import Graph
from quantbench.c99.target.isa import NEON, NEON_DOT
from quantbench.c99.target.target import Target
from tests.c99.together import all_pass


def needs(*tools: str) -> list[pytest.MarkDecorator]:
    """Marks that skip a test, with the reason, where a tool is missing."""
    return [
        pytest.mark.skipif(shutil.which(tool) is None, reason=f"there is no {tool}")
        for tool in tools
    ]


def pass_by_neon(graphs: Sequence[Graph], folder: Path, machine: Machine) -> None:
    """The golden vectors of each, by NEON's kernels on a simulated processor; skips without one."""
    for tool in (machine.compiler[0], machine.run[0]):
        if shutil.which(tool) is None:
            pytest.skip(f"there is no {tool}")
    options = Options(isas=(NEON.name, NEON_DOT.name))
    files = [emit(graph, Target.NATIVE, options).all_files for graph in graphs]
    all_pass(files, folder, machine.compiler, run=machine.run)
