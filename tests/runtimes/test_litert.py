from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import openvino
import pytest
from ai_edge_litert.interpreter import Interpreter

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.errors import ArtifactError
from quantbench.methods.litert_static import LitertSettings
from quantbench.runtimes import litert as runtime
from quantbench.samples.records import Array, Arrays
from quantbench.studies.quantize import quantize
from tests.process import python
from tests.tflite import files

LOADS = """
import sys
from pathlib import Path
import numpy as np
from types import SimpleNamespace
from quantbench.runtimes import litert
predict = litert.load(SimpleNamespace(folder=Path(sys.argv[1])), 1)
predict(np.zeros((3, 1, 49, 10), np.float32)[:, :, :, :])
"""

Made = Callable[[str, str], Artifact]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """What a method makes of a file, by the file's name."""

    @cache
    def get(name: str, method: str) -> Artifact:
        settings = plugins.method(method).SETTINGS()
        folder = tmp_path_factory.mktemp("artifacts")
        return quantize(files.task(name), method, settings, "tflite", folder)

    return get


def in_openvino(path: Path, arrays: Arrays) -> Array:
    """The answers of OpenVINO, which reads TensorFlow Lite by itself, one sample at a time."""
    model = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    rows = [model([a[i : i + 1] for a in arrays])[0] for i in range(len(arrays[0]))]
    return np.concatenate(rows)


@pytest.mark.parametrize("name", files.FAMILIES)
def test_float32_answers_as_pytorch_does(made: Made, name: str) -> None:
    arrays = files.samples(name, 9)
    (expected,) = files.torch_answers(name, arrays)
    predict = runtime.load(made(name, "float32"), 1)
    for size in (9, 1, 4):
        answers = predict(*(array[:size] for array in arrays))
        assert answers.dtype == np.float32
        np.testing.assert_allclose(answers, expected[:size], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", files.FAMILIES)
def test_int8_answers_as_openvino_does_of_the_same_file(name: str, tmp_path: Path) -> None:
    """The two round in other places: a few steps of the output's scale at most."""
    settings = LitertSettings(ends="integer")  # OpenVINO reads no Quantize of this quantizer
    artifact = quantize(files.task(name), "litert_static", settings, "tflite", tmp_path)
    arrays = files.samples(name, 9)
    interpreter = Interpreter(model_path=str(artifact.folder / "model.tflite"))
    stored = []
    for array, details in zip(arrays, interpreter.get_input_details(), strict=True):
        scale, zero = details["quantization"]
        steps = np.clip(np.rint(array / scale) + zero, -128, 127)
        stored.append(steps.astype(np.int8))
    scale, zero = interpreter.get_output_details()[0]["quantization"]
    steps = in_openvino(artifact.folder / "model.tflite", tuple(stored))
    expected = (steps.astype(np.float32) - zero) * scale
    answers = runtime.load(artifact, 1)(*arrays)
    assert np.abs(answers - expected).max() <= 3 * scale
    (real,) = files.torch_answers(name, arrays)
    assert np.sqrt(((answers - real) ** 2).mean()) < 0.25 * real.std()


def test_inputs_are_left_and_answers_stay(made: Made) -> None:
    arrays = files.samples("ds_cnn", 3)
    before = [array.copy() for array in arrays]
    for method in ("float32", "litert_static"):
        predict = runtime.load(made("ds_cnn", method), 1)
        first = predict(*(array[:1] for array in arrays))
        kept = first.copy()
        predict(*(array[1:2] for array in arrays))
        np.testing.assert_array_equal(first, kept)
        for array, copy in zip(arrays, before, strict=True):
            np.testing.assert_array_equal(array, copy)


def test_ends_of_integers_are_converted_by_their_scales(tmp_path: Path) -> None:
    """As in the same network whose own first and last operator convert them."""
    answers = {}
    arrays = files.samples("ds_cnn", 9)
    for ends in ("float32", "integer"):
        settings = LitertSettings.model_validate({"ends": ends})
        artifact = quantize(files.task("ds_cnn"), "litert_static", settings, "tflite", tmp_path)
        details = Interpreter(model_path=str(artifact.folder / "model.tflite")).get_input_details()
        assert details[0]["dtype"] == (np.int8 if ends == "integer" else np.float32)
        answers[ends] = runtime.load(artifact, 1)(*arrays)
    np.testing.assert_allclose(answers["integer"], answers["float32"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_are_handed_on(made: Made, monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    """LiteRT doesn't tell its threads, so what its interpreter is given is looked at."""
    given: list[int] = []

    def watched(**options: object) -> Interpreter:
        given.append(cast(int, options["num_threads"]))
        return Interpreter(**options)

    monkeypatch.setattr(runtime, "Interpreter", watched)
    runtime.load(made("mlp", "float32"), threads)
    assert set(given) == {threads}


@pytest.mark.parametrize("kept", [0, 6, 100, -400])
def test_a_damaged_file_is_refused_in_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], kept: int
) -> None:
    (tmp_path / "model.tflite").write_bytes(files.path("mlp").read_bytes()[:kept])
    with pytest.raises(ArtifactError, match=r"model\.tflite") as caught:
        runtime.load(cast(Artifact, SimpleNamespace(folder=tmp_path)), 1)
    assert len(str(caught.value).splitlines()) == 1
    assert capfd.readouterr() == ("", "")


def test_it_says_nothing_and_leaves_nothing_in_the_home(made: Made, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    folder = str(made("ds_cnn", "float32").folder)
    child = python("-c", LOADS, folder, cwd=tmp_path, HOME=str(home))
    assert (child.returncode, child.stdout, child.stderr) == (0, "", "")
    assert list(home.rglob("*")) == []
