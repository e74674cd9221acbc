"""`quantbench explain`: what the command line asks for, and what is printed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from quantbench.cli import app
from quantbench.explain.judge import judge
from quantbench.explain.sections import Asked
from quantbench.studies import explain as use_case
from quantbench.studies.explain import Explained
from quantbench.studies.options import Options
from tests.explain.builder import explained, layer, ran
from tests.report.builder import results


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """What the use case was asked for; nothing is explained."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    given: dict[str, Any] = {}

    def explain(options: Options, *_: Any, **more: Any) -> Explained:
        given.update(options=options, **more)
        study, evidence = results(), explained(ran=(ran(layer()),))
        findings = judge(study, evidence).findings
        found = evidence.model_copy(update={"findings": findings})
        return Explained(study, found, options.out / "explanation.json")

    monkeypatch.setattr(use_case, "explain", explain)
    return given


def call(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[object, str, str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["quantbench", "explain", *arguments])
        with pytest.raises(SystemExit) as caught:
            app.main()
    said = capfd.readouterr()
    return caught.value.code, said.out, said.err


def test_the_options_reach_the_use_case(
    asked: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    code, out, err = call(
        capfd, "--out", "study", "--row", "static on torch", "--row", "a on b", "--max-drop", "0.1",
        "--only", "layers,time", "--only", "errors", "--predict-on", "avx2",
    )  # fmt: skip
    assert (code, err) == (0, "written to study/explanation.json\n")
    assert asked["asked"] == Asked(
        rows=("static on torch", "a on b"), max_drop=0.1, predict_on="avx2"
    )
    assert [*asked["only"]] == ["layers", "time", "errors"]
    assert asked["options"].out == Path("study")
    assert out.startswith("Why: lenet on mnist\n\nFindings\nfault  never calibrated: ")
    assert "What ran as integer\n  static on openvino  1 of 1 layers, all of" in out


def test_kernels_that_there_are_not_are_refused(
    asked: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    code, _, err = call(capfd, "--predict-on", "avx3")
    assert code == 2
    assert err == "error: unknown set of kernels 'avx3'; did you mean 'avx2'?\n"
    assert asked == {}


@pytest.mark.parametrize("drop", ["much", "-1", "nan", "inf"])
def test_a_drop_that_is_none_is_refused(
    asked: dict[str, Any], capfd: pytest.CaptureFixture[str], drop: str
) -> None:
    code, _, err = call(capfd, f"--max-drop={drop}")
    assert (code, err) == (
        2,
        f"error: --max-drop '{drop}': write a number such as 0.1, in points\n",
    )
    assert asked == {}
