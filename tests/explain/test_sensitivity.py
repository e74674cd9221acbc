"""Sensitivity and mixed precision on a small network, with a fault planted and without one."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.cli.configure import configured
from quantbench.cli.groups import Study
from quantbench.errors import UnavailableError
from quantbench.explain.records import Sensitivity
from quantbench.explain.sensitivity import sensitivity
from quantbench.explain.subject import Subject
from quantbench.settings import parse_settings
from quantbench.studies.quantize import quantize
from tests.explain import small
from tests.methods.ort import logits

DROP = 2.0
"""Points of accuracy: more than 2,000 samples can't tell from none, far less than the fault's."""


@pytest.fixture(scope="module")
def explained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Subject, Sensitivity]:
    subject = small.subject(
        small.task(faulty=True), tmp_path_factory.mktemp("faulty"), per_channel="false"
    )
    return subject, sensitivity(subject, max_drop=DROP)


def test_the_planted_fault_is_named_first(explained: tuple[Subject, Sensitivity]) -> None:
    _, found = explained
    assert [layer.layer for layer in found.layers] == ["0", "2", "4"]
    assert found.samples == small.TEST
    first = max(found.layers, key=lambda layer: layer.alone_loss)
    assert first.layer == small.FAULTY
    others = [layer for layer in found.layers if layer != first]
    assert first.alone.high is not None
    assert first.alone.high < -0.1
    assert all(abs(layer.alone.value) < 0.01 for layer in others)
    assert all(layer.alone_loss < first.alone_loss / 100 for layer in others)
    assert first.all_but is not None
    assert first.all_but.low is not None
    assert first.all_but.low > 0.1


def test_the_recipe_leaves_exactly_that_layer_float(
    explained: tuple[Subject, Sensitivity],
) -> None:
    subject, found = explained
    mixed = found.mixed
    assert mixed is not None
    assert mixed.left_float == (small.FAULTY,)
    assert mixed.reached
    assert (mixed.max_drop, mixed.unit) == (DROP, "points")
    macs = {layer.layer: layer.macs for layer in found.layers}
    assert mixed.float_macs_share == pytest.approx(macs[small.FAULTY] / sum(macs.values()))
    recipe = tomllib.loads((subject.out / mixed.recipe).read_text())
    assert recipe == {
        "method": ["float32", "ort_static"],
        "methods": {"ort_static": {"leave_float": [small.FAULTY], "per_channel": False}},
    }


def test_the_recipe_is_a_settings_file_of_a_study(
    explained: tuple[Subject, Sensitivity], tmp_path: Path
) -> None:
    """What `quantbench run --config` makes of it leaves that layer float, and scores as told."""
    subject, found = explained
    assert found.mixed is not None
    study = configured(Study(config=subject.out / found.mixed.recipe))
    assert study.options.methods == ("float32", "ort_static")
    kind = plugins.method("ort_static").SETTINGS
    settings = parse_settings(kind, "setting", study.overrides["ort_static"])
    artifact = quantize(subject.task, "ort_static", settings, "onnx", tmp_path)
    by_name = {layer.name: layer for layer in artifact.body.quantized.layers}
    assert [name for name, layer in by_name.items() if not layer.integer] == [small.FAULTY]
    assert by_name[small.FAULTY].reason == "leave_float asks for it"
    assert right(artifact, subject) - float_right(subject) == pytest.approx(
        small.TEST * found.mixed.difference.value
    )


def test_the_differences_are_counts_of_samples(explained: tuple[Subject, Sensitivity]) -> None:
    """All as integers, which the study's own artifact is, against float32: counted by PyTorch."""
    subject, found = explained
    artifact = subject.artifact(subject.results.rows[0])
    fault = next(layer for layer in found.layers if layer.layer == small.FAULTY)
    assert fault.all_but is not None
    with_all = right(artifact, subject)
    restored = with_all + small.TEST * fault.all_but.value
    assert abs(restored - float_right(subject)) <= 0.01 * small.TEST
    wilson = binomtest(with_all, small.TEST).proportion_ci(0.95, method="wilson")
    assert float_right(subject) / small.TEST > wilson.high


def test_a_sound_network_needs_no_layer_in_float(tmp_path: Path) -> None:
    subject = small.subject(small.task(), tmp_path)
    found = sensitivity(subject, max_drop=DROP)
    assert found.mixed is not None
    assert found.mixed.left_float == ()
    assert found.mixed.reached
    assert found.notes == ()
    assert all(layer.alone.low <= 0 <= layer.alone.high for layer in found.layers)

    few = sensitivity(subject, samples=100, max_drop=0.1)
    assert few.samples == 100
    assert few.mixed is not None
    assert not few.mixed.reached
    assert "100 samples can't show that a score falls by no more than 0.1" in few.notes[0]


def test_a_method_that_writes_no_onnx_is_refused(
    explained: tuple[Subject, Sensitivity],
) -> None:
    subject, _ = explained
    with pytest.raises(UnavailableError, match="'static' writes no ONNX"):
        sensitivity(subject, "static")


def right(artifact: Artifact, subject: Subject) -> int:
    targets = subject.task.test.targets
    return int((logits(artifact, subject.task).argmax(1) == targets).sum())


def float_right(subject: Subject) -> int:
    import torch

    inputs = torch.from_numpy(subject.task.test.inputs()[0])
    with torch.inference_mode():
        answers = subject.task.network.module()(inputs).numpy()
    return int((np.argmax(answers, 1) == subject.task.test.targets).sum())
