"""A study with `pair`: an earlier study's artifacts are measured in turn with its own."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from quantbench.artifacts.artifact import Artifact
from quantbench.cli import compare
from quantbench.cli.result_records import Compare
from quantbench.errors import ResultsError, RulesFailedError
from quantbench.harness.pool import Candidate
from quantbench.harness.records import Skipped
from quantbench.report.terminal.page import comparison
from quantbench.results.records import Row
from quantbench.runtimes.null import Null, save_null
from quantbench.studies import pipeline
from quantbench.studies.earlier import Earlier, read_earlier, with_earlier
from quantbench.studies.named import runtime_named
from quantbench.studies.pipeline import Study
from tests import small_study
from tests.progress import Recorded
from tests.report.builder import row
from tests.report.golden import rendered


def saved(study: Study, folder: Path) -> Path:
    path = folder / "results.json"
    path.write_text(study.results.model_dump_json())
    return path


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Study]:
    """Two results.json, of which the second has another setting of "static", and its study."""
    folders = [tmp_path_factory.mktemp(name) for name in "ab"]
    options: dict[str, Any] = {"runtimes": ("torch",)}
    first = small_study.run(folders[0], "float32", "static", **options)
    a = saved(first, folders[0])
    second = small_study.run(
        folders[1], "float32", "static", settings={"static": {"observer": "minmax"}}, pair=a,
        **options,
    )  # fmt: skip
    return a, saved(second, folders[1]), second


def test_the_changed_artifact_is_measured_in_turn(studies: tuple[Path, Path, Study]) -> None:
    a, _, study = studies
    earlier = read_earlier(a)
    results = study.results
    assert [row.name for row in results.rows] == ["float32 on torch", "static on torch"]
    (before,) = results.earlier  # float32 is the same artifact, and measured once
    assert before.name == "static on torch"
    assert before.artifact_sha256 == earlier.rows[1].artifact_sha256
    assert before.score == earlier.rows[1].score
    assert results.rows[0].against_earlier is None
    against = results.rows[1].against_earlier
    assert against is not None
    assert results.rows[1].score is not None
    assert before.score is not None
    assert against.differences["accuracy"].value == pytest.approx(
        results.rows[1].score.value - before.score.value
    )
    assert len(results.rows[1].latency[0].blocks) == len(before.latency[0].blocks)
    text = rendered(comparison(results), 80)
    assert "Against A, measured in turn with it" in text
    assert max(map(len, text.splitlines())) <= 80


def test_compare_gives_a_verdict_with_an_interval(
    studies: tuple[Path, Path, Study], capsys: pytest.CaptureFixture[str]
) -> None:
    a, b, _ = studies
    never = "latency[static on torch] > +10000%"
    compare.compare(Compare(first=a, second=b, fail_if=[never], strict=True))
    said = " ".join(capsys.readouterr().out.split())
    assert "Against A, measured in turn with it" in said
    assert "(95% interval" in said
    assert "1 check: 1 pass" in said
    always = "latency[static on torch] > -99%"
    with pytest.raises(RulesFailedError):
        compare.compare(Compare(first=a, second=b, fail_if=[always]))


def test_a_file_that_is_not_there_is_told_before_anything_is_done(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="is not there"):
        pipeline.run(small_study.Options(out=tmp_path / "out", pair=tmp_path / "none.json"))
    assert not (tmp_path / "out").exists()


def null(folder: Path, us: float) -> Artifact:
    return save_null(folder / "artifacts", "static", Null(call_us=us))


def row_of(stored: Artifact, **changes: Any) -> Row:
    fields = {"artifact": f"artifacts/{stored.folder.name}", "artifact_sha256": stored.sha256}
    return row("static", "null", **(fields | changes))


def yielded(new: Artifact, *rows: Row, folder: Path) -> tuple[list[Candidate | Skipped], str]:
    """What is yielded after the candidate of this study, and what is told."""

    def candidates() -> Generator[Candidate | Skipped]:
        yield Candidate(new, runtime_named("null"))

    progress = Recorded()
    first, *more = with_earlier(candidates(), Earlier(folder, rows), progress)
    assert isinstance(first, Candidate)
    assert not first.earlier
    return more, "\n".join(progress.lines)


def test_an_earlier_artifact_is_found_beside_its_results(tmp_path: Path) -> None:
    old, new = null(tmp_path, 1), null(tmp_path, 2)
    (found,), said = yielded(new, row_of(old), row("qat", "null"), folder=tmp_path)
    assert isinstance(found, Candidate)
    assert (found.name, found.earlier, found.artifact.sha256) == (
        "static (A) on null", True, old.sha256
    )  # fmt: skip
    assert said == ""


def test_what_can_not_be_paired_is_said(tmp_path: Path) -> None:
    old, new = null(tmp_path, 1), null(tmp_path, 2)
    assert yielded(new, row_of(new), folder=tmp_path) == (
        [], "note: static on null is the same artifact as before: measured once"
    )  # fmt: skip
    found, said = yielded(new, row("qat", "null"), folder=tmp_path)
    assert found == []
    assert "so none is paired" in said
    for changes, part in (
        ({"artifact_sha256": "0" * 64}, "isn't what was measured: its SHA-256 differs"),
        ({"artifact": "artifacts/none"}, "none isn't there; keep artifacts/ beside results.json"),
        ({"artifact": f"../../{old.folder}"}, None),  # only its last part counts
    ):
        (found,), _ = yielded(new, row_of(old, **changes), folder=tmp_path)
        assert isinstance(found, Candidate if part is None else Skipped)
        assert part is None or part in found.reason
    (old.folder / "null.json").write_text("{}")
    (found,), _ = yielded(new, row_of(old), folder=tmp_path)
    assert isinstance(found, Skipped)
    assert (found.method, found.failed) == ("static (A)", False)
    assert "its SHA-256 differs" in found.reason
    shutil.rmtree(old.folder)
    (found,), _ = yielded(new, row_of(old), folder=tmp_path)
    assert isinstance(found, Skipped)
