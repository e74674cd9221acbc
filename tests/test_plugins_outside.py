"""Plug-ins from outside the package: files that are named, and entry points of distributions."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from quantbench import plugin_offers, plugins
from quantbench.errors import UnavailableError, UnknownNameError, UsageError
from tests.process import environment, python

METRIC = """
from __future__ import annotations
from quantbench.contracts import Observation
UNIT = "images"
HIGHER_IS_BETTER = False
def compute(seen: Observation) -> float:
    return float((seen.outputs[0].argmax(1) != seen.targets).sum())
"""

MODEL = """
from __future__ import annotations
from torch import nn
INPUT_SHAPE = (1, 32, 32)
def build() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(1024, 12), nn.ReLU(), nn.Linear(12, 10))
"""

METHOD = """
from __future__ import annotations
from dataclasses import dataclass, replace
from quantbench.methods import float32
from quantbench.system.record import Settings
FORMATS = ("onnx",)
LIBRARIES = ("torch", "onnx", "onnxscript")
class SETTINGS(Settings):
    note: str = "as it is"
@dataclass(frozen=True)
class Kept:
    words: str
def quantize(job):
    kept = Kept(job.settings.note)
    files = float32.quantize(job)
    return replace(files, notes=(kept.words,))
"""

RUNTIME = """
from __future__ import annotations
from quantbench.runtimes import onnxruntime
ACCEPTS = frozenset({"onnx"})
LIBRARIES = ("onnxruntime",)
DEFAULT = False
def load(artifact, threads):
    return onnxruntime.load(artifact, threads)
"""


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """No file that a test names is there for the next."""
    monkeypatch.setattr(plugins, "_named_by_user", {})


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def options(folder: Path, files: dict[str, str]) -> list[str]:
    """`--plugin` for each of the files, which are written."""
    paths = [written(folder / f"{name}.py", text) for name, text in files.items()]
    return [part for path in paths for part in ("--plugin", str(path))]


@pytest.mark.parametrize(
    ("text", "folder"),
    [(METRIC, "metrics"), (MODEL, "models"), (METHOD, "methods"), (RUNTIME, "runtimes")],
)
def test_a_file_is_of_the_kind_that_it_defines(tmp_path: Path, text: str, folder: str) -> None:
    path = written(tmp_path / "mine.py", text)
    plugins.use_plugins(path)
    plugins.use_plugins(path)  # once more changes nothing
    assert plugins.user_files() == (path,)
    assert "mine" in plugins.names(folder)
    assert plugins.source(folder, "mine") == path
    assert plugins.why_not_installed(folder, "mine") is None
    assert plugins.why_unavailable(folder, "mine") is None
    assert all("mine" not in plugins.names(kind) for kind in plugin_offers.KINDS if kind != folder)


def test_a_runtime_from_outside_may_be_none_that_a_study_runs_unasked(tmp_path: Path) -> None:
    plugins.use_plugins(written(tmp_path / "mine.py", RUNTIME))
    asked = written(tmp_path / "unasked.py", RUNTIME.replace("DEFAULT = False\n", ""))
    plugins.use_plugins(asked)
    assert "mine" not in plugins.default_runtimes()
    assert "unasked" in plugins.default_runtimes()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("static.py", METHOD, "method 'static' of .* is there already .*; rename the file"),
        ("accuracy.py", METRIC, "metric 'accuracy' of .* is there already"),
        ("my-metric.py", METRIC, "its name has to be like my_method.py"),
        ("_mine.py", METRIC, "its name has to be like my_method.py"),
        ("mine.txt", METRIC, "its name has to be like my_method.py"),
        ("mine.py", "UNIT = 'm'\n", "has to define what one kind of plug-in needs: .*a metric "
                                    "HIGHER_IS_BETTER, UNIT"),
        ("mine.py", METRIC + MODEL, "has to define what one kind of plug-in needs"),
        ("mine.py", "def (", "is no Python: invalid syntax"),
        ("mine.py", "x = 1\0", "is no Python: source code string cannot contain null bytes"),
    ],
)  # fmt: skip
def test_a_file_that_offers_nothing_is_refused(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        plugins.use_plugins(written(tmp_path / name, text))
    assert plugins.user_files() == ()


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    plugins.use_plugins(written(tmp_path / "mine.py", METRIC))
    with pytest.raises(UsageError, match=r"metric 'mine' .* is there already"):
        plugins.use_plugins(written(tmp_path / "other" / "mine.py", METRIC))
    plugins.use_plugins(written(tmp_path / "third" / "mine.py", MODEL))  # of another kind
    assert plugins.model("mine").INPUT_SHAPE == (1, 32, 32)
    assert plugins.metric("mine").UNIT == "images"


def test_a_file_that_is_not_there_or_is_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"plug-in .*/none.py: No such file or directory"):
        plugins.use_plugins(tmp_path / "none.py")
    (tmp_path / "mine.py").mkdir()
    with pytest.raises(UsageError, match=r"plug-in .*/mine.py: "):
        plugins.use_plugins(tmp_path / "mine.py")


def test_what_fails_while_it_is_imported_is_a_sentence(tmp_path: Path) -> None:
    plugins.use_plugins(
        written(tmp_path / "broken.py", METRIC + "\n1 / 0\n"),
        written(tmp_path / "needy.py", METRIC + "\nimport no_such_library\n"),
        written(tmp_path / "shrunk.py", METRIC + "\ndel UNIT\n"),
    )
    assert plugins.why_unavailable("metrics", "broken") == (
        "metric 'broken' raised ZeroDivisionError: division by zero"
    )
    needy = plugins.why_unavailable("metrics", "needy")
    assert needy is not None
    assert needy.startswith("metric 'needy' needs no_such_library, which doesn't import here")
    assert plugins.why_not_installed("metrics", "needy") == needy
    assert plugins.why_unavailable("metrics", "shrunk") == "metric 'shrunk' doesn't define UNIT"
    with pytest.raises(UnavailableError):
        plugins.metric("shrunk")


def test_optional_questions_are_asked_where_they_are_there(tmp_path: Path) -> None:
    words = "def unavailable():\n    return 'not on a Sunday'\n"
    plugins.use_plugins(
        written(tmp_path / "sunday.py", METHOD + words), written(tmp_path / "monday.py", METHOD)
    )
    assert plugins.why_unavailable("methods", "sunday") == "not on a Sunday"
    assert plugins.why_unavailable("methods", "monday") is None


def test_a_data_set_has_one_name(tmp_path: Path) -> None:
    text = "from quantbench.data.mnist import SPEC as MNIST\nSPEC = MNIST\n"
    plugins.use_plugins(written(tmp_path / "letters.py", text))
    with pytest.raises(UnavailableError, match="SPEC of data set 'letters' is named 'mnist'"):
        plugins.data("letters")


STUDY = ("-m", "tests.tiny_cli", "run", "--recipe", "reference", "--set", "recipe.epochs=1",
         "--method", "as_it_is", "--runtime", "mine_too",
         "--model", "small")  # fmt: skip


def test_a_study_of_a_method_a_runtime_a_model_and_a_metric_by_file(tmp_path: Path) -> None:
    files = {"as_it_is": METHOD, "wrong_images": METRIC, "small": MODEL, "mine_too": RUNTIME}
    named = options(tmp_path / "own", files)
    done = python(*STUDY, "--set", "as_it_is.note=mine", *named, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "results" / "results.json").read_text())
    rows = {(row["method"], row["runtime"]): row for row in results["rows"]}
    assert rows.keys() == {("as_it_is", "mine_too"), ("float32", "mine_too")}
    assert results["model"] == "small"
    for row in rows.values():
        wrong = row["metrics"]["wrong_images"]
        assert wrong == {
            "value": round(row["samples"] * (1 - row["score"]["value"])),
            "unit": "images",
            "higher_is_better": False,
            "reason": None,
        }
    assert rows["as_it_is", "mine_too"]["notes"] == ["mine"]

    manifest = next((tmp_path / "results" / "artifacts").glob("as_it_is-onnx-*/manifest.json"))
    code = json.loads(manifest.read_text())["inputs"]["code"]
    assert {name.partition(":")[0] for name in code if name.startswith("outside/")} == {
        "outside/as_it_is.py", "outside/small.py"
    }  # fmt: skip

    again = python(*STUDY, "--set", "as_it_is.note=mine", *named, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert len(list(manifest.parents[1].glob("as_it_is-onnx-*"))) == 1
    written(tmp_path / "own" / "as_it_is.py", METHOD + "# edited\n")
    edited = python(*STUDY, "--set", "as_it_is.note=mine", *named, cwd=tmp_path)
    assert edited.returncode == 0, edited.stderr
    assert len(list(manifest.parents[1].glob("as_it_is-onnx-*"))) == 2


BROKEN_METRIC = METRIC.replace("return float(", "raise KeyError('no'); return float(")


def test_a_metric_that_fails_costs_its_figure_only(tmp_path: Path) -> None:
    files = {"small": MODEL, "failing": BROKEN_METRIC, "needy": METRIC + "import no_such_library\n"}
    named = options(tmp_path / "own", files)
    done = python("-m", "tests.tiny_cli", "run", "--recipe", "reference", "--set",
                  "recipe.epochs=1", "--method", "float32", "--runtime", "onnxruntime",
                  "--model", "small", *named, cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    (row,) = json.loads((tmp_path / "results" / "results.json").read_text())["rows"]
    assert row["metrics"]["accuracy"]["value"] == row["score"]["value"]
    assert not {"failing", "needy"} & row["metrics"].keys()
    assert "metric 'failing' raised KeyError: 'no'" in row["notes"]
    assert any(note.startswith("metric 'needy' needs no_such_library") for note in row["notes"])


def distribution(folder: Path, name: str, points: dict[str, str], files: dict[str, str]) -> Path:
    """An installed distribution, as its folder on Python's path."""
    info = folder / f"{name}-1.0.dist-info"
    lines = [f"[quantbench.{group}]\n{entry}\n" for group, entry in points.items()]
    written(info / "METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    written(info / "entry_points.txt", "\n".join(lines))
    for file, text in files.items():
        written(folder / file, text)
    return folder


def listed(path: str, *arguments: str, cwd: Path) -> list[tuple[str, str, str]]:
    """The rows of `quantbench list`: kind, name and answer."""
    done = python("-m", "quantbench", "list", *arguments, cwd=cwd, COLUMNS="300", PYTHONPATH=path)
    assert (done.returncode, done.stderr) == (0, "")
    rows = [re.split(r"\s{2,}", line.strip()) for line in done.stdout.splitlines()[1:]]
    return [(kind, name, answer) for kind, name, answer in rows]


def after_ours(folder: Path) -> str:
    return f"{environment()['PYTHONPATH']}{os.pathsep}{folder}"


def test_entry_points_are_offered_and_not_imported_until_one_is_selected(tmp_path: Path) -> None:
    site = distribution(
        tmp_path / "site",
        "tidy",
        {"metrics": "wrong_images = tidy.metrics.wrong", "models": "small = tidy.small"},
        {
            "tidy/__init__.py": "raise SystemError('imported to be listed')\n",
            "tidy/metrics/__init__.py": "",
            "tidy/metrics/wrong.py": METRIC,
            "tidy/small.py": MODEL,
        },
    )
    rows = listed(after_ours(site), cwd=tmp_path)
    assert {("metric", "wrong_images", "yes"), ("model", "small", "yes")} <= set(rows)
    raised = "model 'small' raised SystemError: imported to be listed"
    assert ("model", "small", raised) in listed(after_ours(site), "--check", cwd=tmp_path)
    written(site / "tidy" / "__init__.py", "")
    described = python("-m", "quantbench", "describe", "small", cwd=tmp_path,
                       PYTHONPATH=after_ours(site))  # fmt: skip
    assert described.returncode == 0, described.stderr
    assert f"{1024 * 12 + 12 + 12 * 10 + 10:,}" in described.stdout


def test_entry_points_that_offer_nothing_are_listed_with_the_reason(tmp_path: Path) -> None:
    site = distribution(
        tmp_path / "site",
        "clash",
        {
            "methods": "static = clash.method",
            "metrics": "gone = clash.none\nitem = clash.metric:compute\nboth = clash.metric",
        },
        {"clash/__init__.py": "", "clash/method.py": METHOD, "clash/metric.py": METRIC},
    )
    distribution(site, "second", {"metrics": "both = clash.metric"}, {})
    reasons = {(name, answer) for _, name, answer in listed(after_ours(site), cwd=tmp_path)}
    assert ("static", "yes") in reasons  # quantbench's own
    assert ("static", "offered by clash, but the name is quantbench's own") in reasons
    assert (
        "gone", "offered by clash, but 'clash.none' is not a module that is there"
    ) in reasons  # fmt: skip
    assert (
        "item", "offered by clash, but 'clash.metric:compute' is not a module that is there"
    ) in reasons  # fmt: skip
    for owner in ("clash", "second"):
        reason = f"offered by {owner}, but another distribution offers the same name"
        assert ("both", reason) in reasons
    assert ("both", "yes") not in reasons


def test_list_checks_a_library_that_is_installed_and_does_not_import(tmp_path: Path) -> None:
    site = tmp_path / "site"
    written(site / "openvino" / "__init__.py", "raise ImportError('libopenvino.so: no such')\n")
    path = f"{site}{os.pathsep}{environment()['PYTHONPATH']}"
    assert ("runtime", "openvino", "yes") in listed(path, cwd=tmp_path)  # it is installed
    checked = {name: answer for _, name, answer in listed(path, "--check", cwd=tmp_path)}
    assert "libopenvino.so: no such" in checked["openvino"]
    assert checked["onnxruntime"] == "yes"


def test_a_name_that_is_nobodys_is_still_unknown(tmp_path: Path) -> None:
    plugins.use_plugins(written(tmp_path / "mine.py", METRIC))
    with pytest.raises(UnknownNameError, match="did you mean 'mine'"):
        plugins.source("metrics", "min")
