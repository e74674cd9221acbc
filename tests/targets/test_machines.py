"""Other processors, simulated: the golden vectors bit for bit."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from quantbench.c99.target.target import Target
from tests.c99.together import all_pass
from tests.targets.machines import MACHINES, Machine
from tests.targets.networks import networks

pytestmark = pytest.mark.targets


@pytest.mark.parametrize(
    ("machine", "target"),
    [(machine, target) for machine in MACHINES for target in machine.targets],
    ids=lambda one: one.name,
)
def test_golden_vectors(tmp_path: Path, machine: Machine, target: Target) -> None:
    for tool in (machine.compiler[0], machine.run[0]):
        if shutil.which(tool) is None:
            pytest.skip(f"there is no {tool}")
    machine.prepare(tmp_path)
    all_pass(networks(target), tmp_path, machine.compiler, run=machine.run)
