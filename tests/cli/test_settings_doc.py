"""docs/settings.md is true: its file is read, its keys are all keys, its errors are printed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from quantbench.cli.configure import configured
from quantbench.cli.records import Run
from quantbench.errors import UsageError
from quantbench.studies.options import SCHEMA

TEXT = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
SYNONYMS = {"model", "methods", "runtimes", "plugins", "schedule"}
FILE = TEXT.partition("```toml\n")[2].partition("```")[0]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_file_is_a_settings_file() -> None:
    Path("net.onnx").touch()
    Path("study.toml").write_text(FILE)
    study = configured(Run(config=Path("study.toml")))
    assert study.options.target == "net.onnx"
    assert study.options.budget_seconds == 300
    assert study.overrides == {
        "ort_static": {"calibration": "percentile", "percentile": "99.9"},
        "recipe": {"epochs": "2"},
    }
    assert tomllib.loads(FILE).keys() <= {*SCHEMA.keys, "recipe"}


def test_the_table_has_every_key() -> None:
    rows = [line.split("|")[1] for line in TEXT.splitlines() if line.startswith("| `")]
    keys = set(re.findall(r"`(\w+)`", " ".join(rows)))
    assert keys == set(SCHEMA.keys) - SYNONYMS


@pytest.mark.parametrize(
    ("text", "number"),
    [("calibraton = 'a.npz'", 0), ("threads = [0]", 1), ("[methods.ort_static]\npercentil = 9", 2)],
)
def test_the_errors_are_those_that_are_printed(text: str, number: int) -> None:
    Path("study.toml").write_text(text)
    with pytest.raises(UsageError) as caught:
        configured(Run(config=Path("study.toml")))
    assert re.findall(r"^error: (.*)$", TEXT, re.MULTILINE)[number] == str(caught.value)
