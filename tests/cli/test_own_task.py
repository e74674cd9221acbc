"""A task file from `quantbench init`, checked and studied with settings in a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from quantbench.results.file import read_results
from tests.process import python

SETTINGS = """
target = "my_task.py"
method = ["ort_dynamic"]
runtime = ["onnxruntime"]
expect = 0.5

[schedule]
batches = [1, 50]
slice_seconds = 1e-5
max_calls = 2
blocks = 6
max_passes = 1
starts = 1
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert python("-m", "quantbench", "init", cwd=tmp_path).returncode == 0
    (tmp_path / "quantbench.toml").write_text(SETTINGS)
    return tmp_path


def test_a_task_file_is_checked_and_studied(folder: Path) -> None:
    checked = python("-m", "quantbench", "check", cwd=folder, COLUMNS="80")
    assert checked.returncode == 0, checked.stderr
    assert "generated_net on generated\n" in checked.stdout
    assert "500 calibration, 2,000 test samples\n" in checked.stdout
    assert "0.5" in checked.stdout.partition("What looks wrong")[2]
    assert max(map(len, checked.stdout.splitlines())) <= 80
    assert not list(folder.glob("results/artifacts/*"))

    studied = python("-m", "quantbench", "run", cwd=folder)
    assert studied.returncode == 0, studied.stderr
    results = read_results(folder / "results" / "results.json")
    assert (results.model, results.data) == ("generated_net", "generated")
    assert [row.method for row in results.rows] == ["float32", "ort_dynamic"]


def test_a_fault_in_a_task_file_is_one_line_with_its_place(folder: Path) -> None:
    path = folder / "my_task.py"
    path.write_text(
        path.read_text().replace("    images, labels = (", "    images, labels = 1 / 0 (", 1)
    )
    for command in ("check", "run", "describe"):
        done = python("-m", "quantbench", command, cwd=folder)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.count("\n") == 1
        assert "my_task.py:" in done.stderr
