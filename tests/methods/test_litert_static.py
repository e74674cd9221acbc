from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.errors import CalibrationError, UnavailableError
from quantbench.methods.litert_static import LitertSettings
from quantbench.numerics.formats import NumberFormat
from quantbench.samples.records import Samples
from quantbench.studies.quantize import quantize
from quantbench.tasks.source import load_network
from quantbench.tasks.task import Task
from tests.tflite import files


def made(name: str, folder: Path, **settings: object) -> Artifact:
    chosen = LitertSettings.model_validate(settings)
    return quantize(files.task(name), "litert_static", chosen, "tflite", folder)


@pytest.mark.parametrize("name", files.FAMILIES)
def test_all_multiply_adds_are_integers_and_the_file_is_smaller(name: str, tmp_path: Path) -> None:
    artifact = made(name, tmp_path)
    told = artifact.body.quantized
    assert told.coverage.float_macs == 0 < told.coverage.integer_macs
    assert told.numerics.text.startswith("weights int8 per channel")
    assert told.numerics.activations[0] == NumberFormat(bits=8, symmetric=False)
    assert all(layer.scale and layer.zero_point is not None for layer in told.layers)
    if name == "resnet8":  # in the others names and shapes are most of the file
        assert artifact.bytes < files.path(name).stat().st_size * 0.75


def test_again_it_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = made("ds_cnn", tmp_path / "a"), made("ds_cnn", tmp_path / "b")
    assert first.files["model.tflite"].sha256 == second.files["model.tflite"].sha256


def test_activations_of_16_bits_are_nearer_to_float32(tmp_path: Path) -> None:
    arrays = files.samples("ds_cnn", 20)
    (expected,) = files.torch_answers("ds_cnn", arrays)
    errors = {}
    for activations in ("int8", "int16"):
        artifact = made("ds_cnn", tmp_path / activations, activations=activations)
        assert artifact.body.quantized.numerics.activations[0].type_name == activations
        answers = plugins.runtime("litert").load(artifact, 1)(*arrays)
        errors[activations] = np.sqrt(((answers - expected) ** 2).mean())
    assert errors["int16"] < errors["int8"]


def test_the_mean_of_ranges_clips(tmp_path: Path) -> None:
    """What LiteRT's quantizer does by itself is farther from float32."""
    arrays = files.samples("two_inputs", 50)
    (expected,) = files.torch_answers("two_inputs", arrays)
    errors = {}
    for ranges in ("widest", "mean"):
        artifact = made("two_inputs", tmp_path / ranges, ranges=ranges)
        answers = plugins.runtime("litert").load(artifact, 1)(*arrays)
        errors[ranges] = np.sqrt(((answers - expected) ** 2).mean()) / expected.std()
    assert errors["widest"] < 0.05 < errors["mean"]


def test_what_it_wrote_is_a_quantized_network_measured_as_given(tmp_path: Path) -> None:
    written = made("ds_cnn", tmp_path, ends="integer")
    path = written.folder / "model.tflite"
    network = load_network(path)
    assert network.quantized
    assert {spec.dtype for spec in (*network.inputs, *network.outputs)} == {"float32"}
    assert network.notes[0].startswith("its inputs are int8 and its outputs are int8: real num")
    task = replace(files.task("ds_cnn"), network=network)
    settings = plugins.method("as_given").SETTINGS()
    artifact = quantize(task, "as_given", settings, "tflite", tmp_path)
    assert (artifact.folder / "model.tflite").read_bytes() == path.read_bytes()
    told = artifact.body.quantized
    assert (told.kind, told.coverage) == ("real", written.body.quantized.coverage)
    with pytest.raises(UnavailableError, match="came as tflite: there is no onnx of it as given"):
        quantize(task, "as_given", settings, "onnx", tmp_path)


def test_a_network_without_a_file_says_what_to_do(task: Task, tmp_path: Path) -> None:
    for method in ("float32", "litert_static"):
        settings = plugins.method(method).SETTINGS()
        with pytest.raises(UnavailableError, match="without a TensorFlow Lite file: convert it"):
            quantize(task, method, settings, "tflite", tmp_path)


def test_a_sample_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    task = files.task("mlp")
    (array,) = task.calibration.inputs()
    spoilt = array.copy()
    spoilt[3].flat[0] = np.nan
    with pytest.raises(CalibrationError, match="isn't finite"):
        quantize(
            replace(task, calibration=Samples("calibration", (spoilt,))),
            "litert_static", LitertSettings(), "tflite", tmp_path,
        )  # fmt: skip
