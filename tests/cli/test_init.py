"""The task file that `quantbench init` writes."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest
import torch

from quantbench.cli.init import init
from quantbench.errors import StorageError, UsageError
from quantbench.tasks.task import Task


def test_the_file_gives_a_task_whose_network_has_learned(tmp_path: Path) -> None:
    path = tmp_path / "my_task.py"
    init(path)
    assert f"quantbench run {path}" in path.read_text(encoding="utf-8")
    task = runpy.run_path(str(path))["task"]()
    assert isinstance(task, Task)
    assert (len(task.calibration), len(task.test), len(task.classes)) == (500, 2000, 4)
    with torch.no_grad():
        outputs = task.network.module()(torch.from_numpy(task.test.inputs()[0])).numpy()
    assert task.test.targets is not None
    right = np.mean(outputs.argmax(1) == task.test.targets)
    assert 0.9 < right < 1  # so that a method may lose something


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    path.write_text("mine")
    with pytest.raises(UsageError, match=r"own\.py is there already; name a new file"):
        init(path)
    assert path.read_text() == "mine"
    dangling = tmp_path / "link.py"
    dangling.symlink_to(tmp_path / "none.py")
    with pytest.raises(UsageError, match="is there already"):
        init(dangling)
    assert not (tmp_path / "none.py").exists()


def test_a_file_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="should end with"):
        init(tmp_path / "task.txt")
    with pytest.raises(StorageError, match=r"can't write .*none.*: No such file or directory"):
        init(tmp_path / "none" / "task.py")
