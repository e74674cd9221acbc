"""Every file of methods/, in each of its formats, on each model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact, load_artifact
from quantbench.contracts import Files, QuantizeJob
from quantbench.errors import SettingError
from quantbench.numerics.formats import FLOAT32
from quantbench.settings import parse_settings
from quantbench.studies.quantize import quantize
from quantbench.system.files import sha256_of
from quantbench.system.record import Settings
from quantbench.system.store import MANIFEST
from quantbench.tasks.layers import layers
from quantbench.tasks.task import Task
from quantbench.training.checkpoint import Checkpoint

METHODS = plugins.names("methods")
ALL = [
    (model, method, format)
    for model in plugins.names("models")
    for method in plugins.default_methods()
    for format in plugins.method(method).FORMATS
    if format != "tflite"  # of files that came so; tests/methods/test_litert_static.py
]


@dataclass(frozen=True)
class Case:
    task: Task
    checkpoint: Checkpoint
    method: str
    format: str
    artifact: Artifact


@dataclass(frozen=True)
class Again:
    """A second time, elsewhere: what the method was given and what it left."""

    folder: Path
    seen: list[QuantizeJob[Settings]]
    before: dict[str, tuple[str, int]]
    after: dict[str, tuple[str, int]]


@pytest.fixture(scope="module", params=ALL, ids=lambda names: "-".join(names))
def case(
    request: pytest.FixtureRequest,
    tasks: Callable[[str], Task],
    checkpoints: Callable[[str], Checkpoint],
    artifacts: Callable[[str, str, str], Artifact],
) -> Case:
    model, method, format = request.param
    artifact = artifacts(model, method, format)
    return Case(tasks(model), checkpoints(model), method, format, artifact)


@pytest.fixture(scope="module")
def again(case: Case, tmp_path_factory: pytest.TempPathFactory) -> Again:
    module = plugins.method(case.method)
    original, seen = module.quantize, []
    parent = tmp_path_factory.mktemp("again")

    def watched(job: QuantizeJob[Settings]) -> Files:
        seen.append(job)
        return original(job)

    before = state_of(case.checkpoint.folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "quantize", watched)
        made = quantize(case.task, case.method, module.SETTINGS(), case.format, parent)
    return Again(made.folder, seen, before, state_of(case.checkpoint.folder))


def state_of(folder: Path) -> dict[str, tuple[str, int]]:
    return {path.name: (sha256_of(path), path.stat().st_mtime_ns) for path in folder.iterdir()}


@pytest.mark.parametrize("name", METHODS)
def test_what_it_offers(name: str) -> None:
    module = plugins.method(name)
    assert plugins.why_unavailable("methods", name) is None
    assert module.FORMATS
    assert module.LIBRARIES
    assert issubclass(module.SETTINGS, Settings)
    accepted = frozenset().union(*(plugins.runtime(n).ACCEPTS for n in plugins.names("runtimes")))
    assert set(module.FORMATS) <= accepted
    assert hasattr(module, "skeleton") == ("state_dict" in module.FORMATS)


@pytest.mark.parametrize("name", METHODS)
def test_its_settings_have_defaults_and_refuse_what_does_not_fit(name: str) -> None:
    kind = plugins.method(name).SETTINGS
    assert parse_settings(kind, "setting", {}) == kind()
    names = {"leave_float"}  # of layers, which only a network has
    for field in kind.model_fields.keys() - names:
        with pytest.raises(SettingError, match=f"'{field}'"):
            parse_settings(kind, "setting", {field: "no such value"})


def test_what_it_wrote_is_stored_whole(case: Case) -> None:
    loaded = load_artifact(case.artifact.folder)
    assert loaded == case.artifact
    assert loaded.bytes > 0
    body = loaded.body
    assert (body.model, body.method, body.format) == (case.task.name, case.method, case.format)
    assert body.network_sha256 == case.checkpoint.files["state.pt"].sha256
    assert body.quantized.layers
    assert body.quantized.structure


def test_again_it_gives_the_same_bytes(case: Case, again: Again) -> None:
    found = {path.name: sha256_of(path) for path in again.folder.iterdir()}
    del found[MANIFEST]
    assert found == {name: entry.sha256 for name, entry in case.artifact.files.items()}
    assert again.folder != case.artifact.folder


def test_the_checkpoint_is_left_as_it_was(again: Again) -> None:
    assert again.after == again.before


def test_it_is_given_no_test_image(case: Case, again: Again) -> None:
    (job,), task = again.seen, case.task
    assert job.calibration.sha256 == task.calibration.sha256
    assert job.training is not None
    assert task.train is not None
    assert job.training.samples.sha256 == task.train.sha256
    assert not any(isinstance(value, Task) for value in vars(job).values())


def test_every_multiply_add_is_accounted_for(case: Case) -> None:
    told = case.artifact.body.quantized
    known = {
        layer.name: layer.macs
        for layer in layers(case.task.network.module(), case.task.network.inputs[0].shape)
        if layer.macs
    }
    assert {layer.name: layer.macs for layer in told.layers} == known
    total = told.coverage.integer_macs + told.coverage.float_macs
    assert total == sum(known.values())


def test_a_layer_stays_float_for_a_reason(case: Case) -> None:
    told = case.artifact.body.quantized
    for layer in told.layers:
        assert bool(layer.reason) == (not layer.integer)
        assert (layer.weights == (FLOAT32,)) == (not layer.integer)
        assert (layer.activations == (FLOAT32,)) == (not layer.integer)
    integer = any(layer.integer for layer in told.layers)
    assert (told.kind == "float") == (not integer) == (case.method == "float32")


def test_calibrated_scales_are_numbers_that_can_be(case: Case) -> None:
    for layer in case.artifact.body.quantized.layers:
        if layer.scale is not None:
            assert layer.scale > 0
            assert layer.zero_point is not None
            assert -128 <= layer.zero_point <= 255


def test_dynamic_leaves_lenets_convolutions_float(
    artifacts: Callable[[str, str, str], Artifact],
) -> None:
    told = artifacts("lenet", "dynamic", "state_dict").body.quantized
    assert told.coverage.float_macs == 416_520 - 120 * 84 - 84 * 10
    assert f"{told.coverage.float_share:.1%}" == "97.4%"
    assert {layer.kind for layer in told.layers if not layer.integer} == {"Conv2d"}


def test_dynamic_reaches_all_of_a_network_of_linear_layers(
    artifacts: Callable[[str, str, str], Artifact],
) -> None:
    assert artifacts("mlp", "dynamic", "state_dict").body.quantized.coverage.float_macs == 0


@pytest.mark.parametrize("method", ["static", "static_uncalibrated"])
@pytest.mark.parametrize("model", plugins.names("models"))
def test_static_leaves_nothing_float(
    artifacts: Callable[[str, str, str], Artifact], model: str, method: str
) -> None:
    told = artifacts(model, method, "state_dict").body.quantized
    assert told.coverage.float_macs == 0
    uncalibrated = {(layer.scale, layer.zero_point) == (1.0, 0) for layer in told.layers}
    assert uncalibrated == {method == "static_uncalibrated"}


def test_int8_files_are_smaller(artifacts: Callable[[str, str, str], Artifact]) -> None:
    size = {
        name: artifacts("lenet", name, "state_dict").bytes
        for name in ("float32", "dynamic", "static")
    }
    for name in ("ort_dynamic", "ort_static"):
        assert (
            artifacts("lenet", name, "onnx").bytes < artifacts("lenet", "float32", "onnx").bytes / 3
        )
    assert size["static"] < size["float32"] / 3
    assert size["static"] < size["dynamic"] < size["float32"]
