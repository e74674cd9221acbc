from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from quantbench.artifacts.artifact import Artifact
from quantbench.errors import ResultsError, UnknownNameError, UsageError
from quantbench.explain.file import read_explanation
from quantbench.explain.sections import Asked
from quantbench.results.records import Results
from quantbench.studies.explain import Explained, explain
from quantbench.studies.options import Options
from quantbench.tasks.task import Task
from tests.explain.builder import quantized
from tests.formats import INT8_CHANNEL, UINT8_UNIT, numerics
from tests.report.builder import results, row

ONLY = ("layers",)
NAME = "static_uncalibrated on torch"


@pytest.fixture
def study(artifacts: Callable[[str, str, str], Artifact], task: Task, tmp_path: Path) -> Results:
    """The results of the tiny task: an artifact that is there, and times that nobody measured."""
    artifact = artifacts("lenet", "static_uncalibrated", "state_dict")
    quantized_row = quantized(
        "static_uncalibrated",
        "torch",
        artifact=os.path.relpath(artifact.folder, tmp_path),
        numerics=numerics(INT8_CHANNEL, UINT8_UNIT),
    )
    splits = {split.name: split.sha256 for split in task.splits}
    return results(row(), quantized_row, network_sha256=task.network.sha256, splits=splits)


def run(study: Results, task: Task, out: Path, **given: Any) -> Explained:
    (out / "results.json").write_text(study.model_dump_json())
    return explain(Options(out=out), load=lambda *_: task, **({"only": ONLY} | given))


def test_a_study_is_explained_from_its_artifacts(
    study: Results, task: Task, tmp_path: Path
) -> None:
    done = run(study, task, tmp_path)
    assert read_explanation(done.file) == done.explanation
    (ran,) = done.explanation.ran
    assert (ran.row, {layer.ran for layer in ran.layers}) == (NAME, {"integer"})
    assert len(ran.layers) == 5
    assert not any(layer.depthwise for layer in ran.layers)
    assert done.explanation.findings[0].rule == "never_calibrated"
    assert not (tmp_path / ".scratch").exists()


def test_the_study_has_to_be_of_the_same_network_and_samples(
    study: Results, task: Task, tmp_path: Path
) -> None:
    other = study.model_copy(update={"network_sha256": "1" * 64})
    with pytest.raises(UsageError, match="is about another network; name the network and its data"):
        run(other, task, tmp_path)
    fewer = replace(task, test=task.test.part(0, 10))
    with pytest.raises(UsageError, match="is about other samples"):
        run(study, fewer, tmp_path)
    with pytest.raises(ResultsError, match=r"results.json is not there"):
        explain(Options(out=tmp_path / "none"), load=lambda *_: task)


def test_rows_and_sections_are_known_by_name(study: Results, task: Task, tmp_path: Path) -> None:
    one = run(study, task, tmp_path, asked=Asked(rows=(NAME,)))
    assert [each.row for each in one.explanation.ran] == [NAME]
    none = run(study, task, tmp_path, asked=Asked(rows=("float32 on torch",)))
    assert none.explanation.ran == ()
    with pytest.raises(UnknownNameError, match=f"unknown row 'static' in results.json; .*{NAME}"):
        run(study, task, tmp_path, asked=Asked(rows=("static",)))
    with pytest.raises(UnknownNameError, match="unknown section 'layer' in --only"):
        run(study, task, tmp_path, only=("layer",))


def test_an_artifact_that_is_gone_costs_its_row(study: Results, task: Task, tmp_path: Path) -> None:
    gone = study.rows[1].model_copy(update={"artifact": "gone"})
    lost = study.model_copy(update={"rows": (study.rows[0], gone)})
    done = run(lost, task, tmp_path)
    assert done.explanation.ran == ()
    assert done.explanation.notes == ()
