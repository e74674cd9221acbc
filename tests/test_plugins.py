from __future__ import annotations

import json
import re
from importlib import metadata
from pathlib import Path

import pytest

from quantbench import plugin_offers, plugins
from quantbench.errors import QuantbenchError, UnavailableError, UnknownNameError
from quantbench.system.extras import EXTRA_OF, install
from tests.process import python

FOLDERS = list(plugin_offers.KINDS)


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file_is_a_plug_in_by_its_stem(folder: str) -> None:
    place = {"findings": "explain/findings"}.get(folder, folder)
    files = (Path(plugins.__file__).parent / place).iterdir()
    stems = {path.stem for path in files if path.suffix == ".py" and path.name[0] != "_"}
    assert plugins.names(folder) == sorted(stems)
    assert stems
    for name in stems:
        assert plugins.why_unavailable(folder, name) is None
        assert plugins.source(folder, name).stem == name


@pytest.mark.parametrize(
    ("folder", "name", "message"),
    [
        ("models", "lent", "unknown model 'lent'; did you mean 'lenet'?"),
        ("methods", "statik", "unknown method 'statik'; did you mean 'static'?"),
        ("runtimes", "onnx-runtime", "unknown runtime 'onnx-runtime'; did you mean 'onnxruntime'?"),
        ("data", "fashion", "unknown data set 'fashion'; did you mean 'fashion_mnist'?"),
        ("metrics", "acuracy", "unknown metric 'acuracy'; did you mean 'accuracy'?"),
        ("findings", "outlier", "unknown finding 'outlier'; did you mean 'outliers'?"),
        ("models", "_x", "unknown model '_x'; known: lenet, mlp"),
        ("models", "../models/lenet", "unknown model '../models/lenet'; did you mean 'lenet'?"),
        ("methods", "_eager", "unknown method '_eager'; known: "),
        ("methods", "", "unknown method ''; known: "),
        ("models", "__init__", "unknown model '__init__'; known: "),
    ],
)
def test_an_unknown_name_gets_the_nearest(folder: str, name: str, message: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        plugins.source(folder, name)
    assert str(caught.value).startswith(message)
    assert caught.value.exit_code == 2
    with pytest.raises(UnknownNameError):
        plugins.why_unavailable(folder, name)


def test_a_plug_in_that_does_not_import_tells_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "needy.py").write_text("import no_such_library\n")
    monkeypatch.setattr(plugin_offers, "_ROOT", tmp_path)
    monkeypatch.setattr("quantbench.models.__path__", [str(tmp_path / "models")])
    reason = plugins.why_unavailable("models", "needy")
    assert reason is not None
    assert reason.startswith("model 'needy' needs no_such_library, which doesn't import here")
    with pytest.raises(UnavailableError) as caught:
        plugins.model("needy")
    assert isinstance(caught.value, QuantbenchError)
    assert str(caught.value) == reason


WITHOUT = """
import sys
if {missing!r}.startswith("torch."):
    import torch
sys.modules[{missing!r}] = None
from quantbench.cli.app import main
sys.argv = ["quantbench", "list"]
main()
"""


@pytest.mark.parametrize(
    ("missing", "unavailable"),
    [
        (
            "torch.ao.quantization",
            {"dynamic", "static", "static_uncalibrated", "pt2e_static", "torch_compile", "qat",
             "xnnpack_static"},
        ),
        ("onnxruntime", {"onnxruntime", "ort_dynamic", "ort_static", "nncf_static"}),
        ("openvino", {"openvino"}),
        ("nncf", {"nncf_static"}),
        ("torchao", {"pt2e_static", "qat", "xnnpack_static"}),
        ("executorch", {"executorch", "xnnpack_static"}),
        ("ai_edge_litert", {"litert", "litert_static"}),
        ("ai_edge_quantizer", {"litert_static"}),
        ("ncnn", {"ncnn"}),
        ("MNN", {"mnn"}),
    ],
)  # fmt: skip
def test_the_list_goes_on_without_a_library(
    tmp_path: Path, missing: str, unavailable: set[str]
) -> None:
    done = python("-c", WITHOUT.format(missing=missing), cwd=tmp_path, COLUMNS="300")
    assert (done.returncode, done.stderr) == (0, "")
    rows = [re.split(r"\s{2,}", line.strip()) for line in done.stdout.splitlines()[1:]]
    told = {name: available for _, name, available in rows}
    without = {name: answer for name, answer in told.items() if answer != "yes"}
    assert without.keys() == unavailable & told.keys()
    assert all(missing in reason for reason in without.values())
    if missing in EXTRA_OF:
        reason = f"{missing} is not installed; {install(EXTRA_OF[missing])}"
        assert set(without.values()) == {reason}
    assert {"float32", "torch", "lenet", "accuracy", "mnist"} <= told.keys()


WITHOUT_TORCH_AO = """
import sys
import torch
for name in [name for name in sys.modules if name.startswith("torch.ao")]:
    del sys.modules[name]
sys.modules["torch.ao"] = None
from tests import tiny_cli
from quantbench.studies import pipeline, prepare
from quantbench.cli import app
prepare.load_task, pipeline.run = tiny_cli.load_task, tiny_cli.run
sys.argv = ["quantbench", "run", "--model", "lenet", "--recipe", "reference",
            "--set", "recipe.epochs=1", "--method", "dynamic", "--method", "pt2e_static",
            "--method", "ort_dynamic", "--runtime", "torch", "--runtime", "onnxruntime",
            "--runtime", "torch_compile"]
app.main()
"""


def test_a_pytorch_without_its_own_quantization_costs_what_needs_it(tmp_path: Path) -> None:
    done = python("-c", WITHOUT_TORCH_AO, cwd=tmp_path, COLUMNS="300")
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "results" / "results.json").read_text())
    rows = {(row["method"], row["runtime"]) for row in results["rows"]}
    assert ("float32", "torch") in rows
    assert ("ort_dynamic", "onnxruntime") in rows
    skipped = {(skip["method"], skip["runtime"]): skip["reason"] for skip in results["skipped"]}
    version = metadata.version("torch")
    for kind, name, row in (
        ("method", "dynamic", ("dynamic", "*")),
        ("method", "pt2e_static", ("pt2e_static", "*")),
        ("runtime", "torch_compile", ("*", "torch_compile")),
    ):
        assert skipped[row].startswith(f"{kind} '{name}' needs torch.ao")
        assert skipped[row].endswith(
            f"which torch {version} doesn't have; install another version of torch"
        )
    assert not any(skip["failed"] for skip in results["skipped"])
