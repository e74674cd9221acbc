"""`quantbench recommend`: its exit codes, and what it prints."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from quantbench.cli import app
from tests.process import python
from tests.report.terminal.test_page import shipping


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    Path("results").mkdir()
    Path("results/results.json").write_text(shipping().model_dump_json())


def call(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["quantbench", "recommend", *arguments])
        with pytest.raises(SystemExit) as caught:
            app.main()
    assert isinstance(caught.value.code, int)
    said = capfd.readouterr()
    return caught.value.code, said.out, said.err


def test_prints_the_row_and_what_to_ship(capfd: pytest.CaptureFixture[str]) -> None:
    for place in ((), ("results",), ("results/results.json",)):
        code, out, err = call(capfd, *place, "--max-drop", "0.5", "--max-size", "80kB")
        assert (code, err) == (0, "")
        assert "\nShip static on openvino (artifacts/static-openvino): 20.0 µs" in out
        assert "\n  results/artifacts/static-openvino/state.pt  # state_dict, for" in out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--max-latency", "1us"), 1, "no row is shown to keep every limit; loosen one"),
        (("--max-latency", "1"), 2, "--max-latency '1': write it with its unit"),
        (("--minimize", "all"), 2, "--minimize 'all': write one of"),
        (("--batch", "7"), 2, "--batch 7: the study timed the batches 1, 1000"),
        (("nowhere",), 1, "nowhere is not there"),
    ],
)
def test_the_exit_code_says_what_went_wrong(
    capfd: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, message: str
) -> None:
    found, _, err = call(capfd, *arguments)
    assert (found, len(err.splitlines())) == (code, 1)
    assert message in err


def test_torch_is_not_loaded(tmp_path: Path) -> None:
    code = (
        "import sys; from quantbench.cli.app import app; "
        "app(['recommend'], standalone_mode=False); "
        "sys.exit(bool({'torch', 'onnx'} & sys.modules.keys()))"
    )
    done = python("-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
