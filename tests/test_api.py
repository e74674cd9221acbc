"""The study of a network in memory; docs/tutorials runs it as a whole."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from torch import nn

import quantbench as qb
from quantbench.studies import pipeline
from quantbench.system.progress import Progress
from tests.progress import Recorded
from tests.report.builder import results

NOTE = "40 of the 400 test samples are set aside to calibrate with, drawn with seed 1"


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has studies load the task, and take results that nothing measured."""

    def run(options: qb.Options, *args: Any, load: Any, **_: Any) -> SimpleNamespace:
        progress: Progress = args[1]
        with pipeline.workspace(options.out) as space:
            task = load(space, progress)
        progress.log("note: <b>twice</b>")
        progress.log("note: <b>twice</b>")
        return SimpleNamespace(task=task, results=results())

    monkeypatch.setattr(pipeline, "run", run)


def test_notes_are_shown_and_stay_with_the_study(
    unmeasured: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(1)
    test = rng.normal(size=(400, 4)).astype(np.float32), rng.integers(0, 2, 400)
    study = qb.study(nn.Linear(4, 2), test=test, out=tmp_path)
    assert study.notes == (f"{NOTE}; they aren't scored", "note: <b>twice</b>")
    assert capsys.readouterr().err.startswith(NOTE)
    html = study._repr_html_()
    assert f"<summary>Notes: 2</summary><ul><li>{NOTE}" in html
    assert "<li>note: &lt;b&gt;twice&lt;/b&gt;</li>" in html
    told = Recorded()
    assert qb.study(nn.Linear(4, 2), test=test, out=tmp_path, progress=told).notes == study.notes
    assert told.lines == [study.notes[0], *study.notes[1:] * 2]
    assert capsys.readouterr().err == ""


def test_a_row_is_chosen_within_limits(unmeasured: None, tmp_path: Path) -> None:
    test = np.zeros((8, 4), np.float32), np.arange(8) % 2
    study = qb.study(nn.Linear(4, 2), test=test, calibration=test[0] + 1, out=tmp_path)
    chosen = study.recommend(max_size="80kB", max_latency=150)
    assert chosen.row == study.row("static on torch")
    assert "Ship static on torch" in str(chosen)
    assert str(chosen).endswith("# state_dict, for torch")
    assert study.recommend(max_size=10).row is None
    with pytest.raises(qb.QuantbenchError, match="--max-size '10us'"):
        study.recommend(max_size="10us")
