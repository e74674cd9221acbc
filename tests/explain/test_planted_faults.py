"""A fault planted in ResNet-8 or MobileNetV2 is named by the findings; without one none is."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import nn

from quantbench import plugins
from quantbench.explain.judge import judge
from quantbench.explain.layer_error import errors_by_layer
from quantbench.explain.ran import layers_ran
from quantbench.explain.records import Explanation
from quantbench.explain.subject import Subject
from quantbench.results.records import Finding
from quantbench.samples.records import Samples
from quantbench.tasks.task import Task
from tests.families import mobilenet_v2, resnet8
from tests.families.family import Family
from tests.methods.ort import made
from tests.networks import network_of
from tests.report import builder

pytestmark = pytest.mark.slow
WIDTH, SAMPLES = 0.25, 64
LAYER = "2.body.0.0"
ONE_LAYER_UNCALIBRATED = '''
import onnx
from onnx import numpy_helper

from quantbench.methods import ort_static

FORMATS = ort_static.FORMATS
LIBRARIES = ort_static.LIBRARIES
SETTINGS = ort_static.SETTINGS


def quantize(job):
    """What ort_static writes, with the output of one layer at scale 1 and zero point 0."""
    files = ort_static.quantize(job)
    path = job.folder / "model.onnx"
    model = onnx.load(path)
    nodes = model.graph.node
    conv = [node for node in nodes if node.op_type == "Conv"][3]
    after, reader = conv.output[0], None
    while reader is None or reader.op_type != "QuantizeLinear":
        reader = next(node for node in nodes if after in node.input)
        after = reader.output[0]
    for tensor in model.graph.initializer:
        if tensor.name in reader.input[1:]:
            value = numpy_helper.to_array(tensor)
            fixed = value * 0 + (1 if value.dtype.kind == "f" else 0)
            tensor.CopyFrom(numpy_helper.from_array(fixed.astype(value.dtype), tensor.name))
    onnx.save(model, path)
    return files
'''


def network(family: Family = resnet8.FAMILY) -> nn.Module:
    """The network, narrow, whose batch norms know the statistics of its inputs; it is seeded."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        built = family.build(WIDTH)
    (images,), _ = family.samples(WIDTH, 128, 1)
    built.train()
    with torch.no_grad():
        for _ in range(20):
            built(torch.from_numpy(images))
    return built.eval()


def findings(
    built: nn.Module,
    out: Path,
    method: str = "ort_static",
    family: Family = resnet8.FAMILY,
    **given: str,
) -> list[Finding]:
    (images,), targets = family.samples(WIDTH, 2 * SAMPLES, 2)
    calibration = Samples("calibration", (images[:SAMPLES],), targets[:SAMPLES])
    test = Samples("test", (images[SAMPLES:],), targets[SAMPLES:])
    net = network_of(built, images.shape[1:])
    task = Task(net, "images", calibration, test, metric="accuracy")
    artifact = made(task, out / "artifacts", method, **given)
    quantized = artifact.body.quantized
    row = builder.rows()[0].model_copy(
        update={
            "method": method,
            "runtime": "onnxruntime",
            "format": "onnx",
            "kind": "real",
            "artifact": str(artifact.folder.relative_to(out)),
            "artifact_sha256": artifact.sha256,
            "numerics": quantized.numerics,
            "coverage": quantized.coverage,
        }
    )
    study = builder.results(row)
    subject = Subject(task, study, out, out)
    evidence = Explanation(
        results_sha256="", errors=errors_by_layer(subject), ran=layers_ran(subject)
    )
    return [*judge(study, evidence).findings]


def test_nothing_is_found_without_a_fault(tmp_path: Path) -> None:
    assert [finding.rule for finding in findings(network(), tmp_path)] == []


def test_an_outlier_channel_is_named(tmp_path: Path) -> None:
    built = network()
    norm = [module for module in built.modules() if isinstance(module, nn.BatchNorm2d)][2]
    with torch.no_grad():
        norm.weight[1] *= 200
        norm.bias[1] *= 200
    found = findings(built, tmp_path)
    assert {finding.rule for finding in found} == {"outliers"}
    assert found[0].weight == "fault"
    assert "1.body.1.0" in found[0].sentence


def test_a_layer_left_float_is_named(tmp_path: Path) -> None:
    (finding,) = findings(network(), tmp_path, leave_float=LAYER)
    assert finding.rule == "layers_left_float"
    assert f"1 of 10 layers in float32, 9% of the multiply-adds: {LAYER}" in finding.sentence


def test_a_layer_that_was_never_calibrated_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugins, "_named_by_user", {})
    file = tmp_path / "forgetful.py"
    file.write_text(ONE_LAYER_UNCALIBRATED)
    plugins.use_plugins(file)
    assert isinstance(plugins.method("forgetful"), ModuleType)
    found = findings(network(), tmp_path, "forgetful")
    named = [finding for finding in found if finding.rule == "never_calibrated"]
    assert len(named) == 1
    assert named[0].sentence.startswith(f"{LAYER} of forgetful on onnxruntime has an output at")


def test_faults_in_mobilenet_v2_are_named(tmp_path: Path) -> None:
    family = mobilenet_v2.FAMILY
    assert not [x for x in findings(network(family), tmp_path / "sound", family=family)
                if x.rule in ("layers_left_float", "outliers")]  # fmt: skip
    built = network(family)
    names = [name for name, part in built.named_modules() if isinstance(part, nn.Conv2d)]
    (left,) = (
        finding
        for finding in findings(built, tmp_path / "left", family=family, leave_float=names[4])
        if finding.rule == "layers_left_float"
    )
    assert names[4] in left.sentence
    norm = [part for part in built.modules() if isinstance(part, nn.BatchNorm2d)][5]
    with torch.no_grad():
        norm.weight[1] *= 200
        norm.bias[1] *= 200
    rules = [finding.rule for finding in findings(built, tmp_path / "stretched", family=family)]
    assert "outliers" in rules
