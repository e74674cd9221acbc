"""The command `quantbench report`: pages from saved results, and a summary in Markdown."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from quantbench.cli.app import app
from quantbench.errors import ResultsError
from quantbench.explain.file import NAME, kept_explanation, read_explanation
from quantbench.report.summary import summary
from quantbench.results.records import Results
from quantbench.system.files import sha256_of
from tests.report.builder import environment, results
from tests.report.html.explained import explanation


def saved(folder: Path, study: Results) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / "results.json"
    file.write_text(study.model_dump_json(), encoding="utf-8")
    return file


def report(*arguments: str | Path) -> str:
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["report", *map(str, arguments)])
    if result.exception is not None:
        raise result.exception
    assert result.exit_code == 0
    return result.output


def test_a_page_is_written_beside_the_results(tmp_path: Path) -> None:
    saved(tmp_path / "a", results())
    said = report(tmp_path / "a")
    page = tmp_path / "a" / "report.html"
    assert said.strip().replace("\n", "") == f"written to {page}"
    assert "Not found out yet" in page.read_text("utf-8")
    report(tmp_path / "a" / "results.json", "--html", tmp_path / "own.html")
    assert (tmp_path / "own.html").read_text("utf-8") == page.read_text("utf-8")


def test_the_explanation_of_these_very_results_is_in_it(tmp_path: Path) -> None:
    file = saved(tmp_path, results())
    found = explanation(results(), results_sha256=sha256_of(file))
    (tmp_path / NAME).write_text(found.model_dump_json(), encoding="utf-8")
    assert kept_explanation(file) == found == read_explanation(tmp_path / NAME)
    report(tmp_path)
    assert "Its activations were never calibrated" in (tmp_path / "report.html").read_text("utf-8")
    saved(tmp_path, results(model="another"))
    assert kept_explanation(file) is None
    assert "explains other results" in report(tmp_path)
    assert "Not found out yet" in (tmp_path / "report.html").read_text("utf-8")


@pytest.mark.parametrize(("text", "fault"), [("{", "not JSON"), ('{"a": 1}', "results_sha256")])
def test_an_explanation_that_is_none_is_named(tmp_path: Path, text: str, fault: str) -> None:
    saved(tmp_path, results())
    (tmp_path / NAME).write_text(text, encoding="utf-8")
    with pytest.raises(ResultsError, match=f"explanation.json is .*{fault}.*quantbench explain"):
        report(tmp_path)


def test_an_explanation_of_another_version_is_refused(tmp_path: Path) -> None:
    file = tmp_path / NAME
    file.write_text(explanation(results(), schema_version=99).model_dump_json(), encoding="utf-8")
    with pytest.raises(ResultsError, match="schema 99, this version reads 1"):
        read_explanation(file)


def test_several_stand_side_by_side_without_the_paths_of_this_machine(tmp_path: Path) -> None:
    saved(tmp_path / "a", results())
    saved(tmp_path / "b", results(environment=environment(cpu="Another CPU")))
    saved(tmp_path / "c", results())
    report(tmp_path / "a", tmp_path / "b", tmp_path / "c")
    page = (tmp_path / "a" / "side-by-side.html").read_text("utf-8")
    assert not (tmp_path / "a" / "report.html").exists()
    for name in ("Example CPU 9000 (a)", "Another CPU", "Example CPU 9000 (c)"):
        assert f'class="study">{name}</h2>' in page
    assert str(tmp_path) not in page


def test_markdown_is_printed_and_no_page_is_written(tmp_path: Path) -> None:
    saved(tmp_path, results())
    assert report(tmp_path, "--markdown") == summary(results())
    assert not (tmp_path / "report.html").exists()
    report(tmp_path, "--markdown", "--html", tmp_path / "both.html")
    assert (tmp_path / "both.html").exists()


def test_what_is_no_results_is_named(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"results\.json is not there"):
        report(tmp_path)
