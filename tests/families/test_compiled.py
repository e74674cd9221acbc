"""The families' quantized files, compiled: layer by layer within the proved steps of the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from quantbench import plugins
from quantbench.c99.compile import require_agreement
from quantbench.c99.frontend.reader import read
from quantbench.errors import CompileError
from quantbench.studies.own import Own, own_task
from quantbench.studies.quantize import quantize
from quantbench.tasks.task import Task
from tests.families.catalogue import FAMILIES
from tests.families.family import Family
from tests.families.fit import fitted

WIDTH = 0.1
NOT_YET = {"GRU": "(GRU)", "LSTM": "(LSTM)", "ViT-Ti/16": ""}
"""What may be refused, and what a refusal then names: recurrent layers and attention."""
METHODS = ("ort_static", "nncf_static", "pt2e_static")


def task_of(family: Family, folder: Path) -> Task:
    def pairs(count: int, seed: int) -> tuple[object, object]:
        arrays, targets = family.samples(WIDTH, count, seed)
        return (arrays[0] if len(arrays) == 1 else arrays), targets

    own = Own(
        network=fitted(family, WIDTH, steps=0), calibration=pairs(64, 1), test=pairs(32, 2),
        name=family.name,
    )  # fmt: skip
    return own_task(own, folder)


def refusal(path: Path) -> str:
    """Why the compiler doesn't take a file; "" where it does, and ONNX Runtime agrees with it."""
    try:
        require_agreement(read(path))
    except CompileError as error:
        return str(error)
    return ""


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_family_compiles(family: Family, tmp_path: Path) -> None:
    task = task_of(family, tmp_path / "given")
    for method in METHODS:
        settings = plugins.method(method).SETTINGS()
        artifact = quantize(task, method, settings, "onnx", tmp_path / method)
        if reason := refusal(artifact.folder / "model.onnx"):
            assert family.name in NOT_YET, reason
            assert NOT_YET[family.name] in reason
