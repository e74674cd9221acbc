from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import nncf
import numpy as np
import onnx
import onnxruntime as ort
import openvino
import pytest
import torch

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.artifacts.state_file import STATE, write_state
from quantbench.errors import CalibrationError
from quantbench.export import ort_quantizer
from quantbench.methods import nncf_static
from quantbench.studies.quantize import job_for
from quantbench.system.progress import NO_PROGRESS
from quantbench.system.silence import silenced
from quantbench.system.store import save
from quantbench.tasks.layers import layers
from quantbench.tasks.records import Training
from quantbench.tasks.task import Task
from quantbench.training.checkpoint import with_weights
from quantbench.training.train import train
from tests import tiny
from tests.kinds.register import register
from tests.methods.ort import constants, error, logits, made
from tests.networks import network_of
from tests.progress import Recorded

T = TypeVar("T")

BOUND = {"none": 0.02, "fast": 0.06, "full": 0.06}
"""By correction of the biases: root mean square of the logits' error over that of the logits."""


@pytest.mark.parametrize("preset", ["mixed", "performance"])
@pytest.mark.parametrize("correction", sorted(BOUND))
def test_its_logits_are_near_those_of_float(
    task: Task,
    artifacts: Callable[[str, str, str], Artifact],
    tmp_path: Path,
    preset: str,
    correction: str,
) -> None:
    artifact = made(task, tmp_path, "nncf_static", preset=preset, bias_correction=correction)
    inputs = task.test.inputs()[0]
    expected = logits(artifacts("lenet", "float32", "onnx"), task)
    found = plugins.runtime("openvino").load(artifact, 1)(inputs)
    assert error(found, expected) < BOUND[correction]
    how = (
        f"calibrated on 120 samples, preset {preset}, widest ranges, bias correction: {correction}"
    )
    assert how in artifact.body.quantized.notes


@pytest.mark.parametrize(("vnni", "expected"), [(True, "disable"), (False, "enable")])
def test_the_range_is_reduced_where_16_bit_sums_would_saturate(
    vnni: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nncf_static, "has_vnni", lambda _: vnni)
    assert nncf_static.SETTINGS().overflow_fix == expected


def test_reduced_weights_have_7_bits_and_the_row_says_so(task: Task, tmp_path: Path) -> None:
    for fix, seven in (("enable", True), ("disable", False)):
        artifact = made(task, tmp_path, "nncf_static", overflow_fix=fix)
        widest = [
            np.abs(values.astype(np.int64)).max()
            for name, values in constants(artifact).items()
            if name.startswith("q_output_")
        ]
        assert len(widest) == 5
        assert all((value <= 64) == seven for value in widest)
        told = artifact.body.quantized.numerics.weights
        assert any(format.narrowed for format in told) == seven


def test_every_layer_is_integer_as_written(
    artifacts: Callable[[str, str, str], Artifact], task: Task
) -> None:
    told = artifacts("lenet", "nncf_static", "onnx").body.quantized
    assert [layer.name for layer in told.layers] == [
        layer.name
        for layer in layers(task.network.module(), task.network.inputs[0].shape)
        if layer.macs
    ]
    assert told.coverage.float_macs == 0
    assert [layer.scale is not None for layer in told.layers] == [True, True, True, True, False]
    assert any(
        note.startswith("ONNX Runtime runs layer 'classifier.2' in float32") for note in told.notes
    )


def test_only_progress_is_shown_and_to_its_end(
    task: Task, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    progress = Recorded()
    settings = nncf_static.SETTINGS()
    nncf_static.quantize(job_for(task, settings, "onnx", tmp_path, progress))
    assert progress.loops
    assert all(loop == ("calibrating", 2, ["", ""]) for loop in progress.loops)
    assert capfd.readouterr() == ("", "")


def test_a_value_that_is_not_finite_names_its_layer(task: Task, tmp_path: Path) -> None:
    model = task.network.module()
    with torch.no_grad():
        next(model.parameters())[0] = torch.inf
    job = job_for(task, nncf_static.SETTINGS(), "onnx", tmp_path, NO_PROGRESS)
    with pytest.raises(CalibrationError, match=r"layer 'features\.0' gives a value that isn't"):
        nncf_static.quantize(replace(job, network=network_of(model, task.network.inputs[0].shape)))


@pytest.mark.parametrize("kind", ["squeeze", "unet", "depthwise", "attention"])
def test_what_is_integer_is_what_openvino_runs_in_integers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    """Asked of its compiled graph: outputs that stay float, joined branches, scales per channel."""
    task = initialised(monkeypatch, kind, tmp_path)
    artifact = made(task, tmp_path, "nncf_static")
    core = openvino.Core()
    options = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = core.compile_model(artifact.folder / "model.onnx", "CPU", options)
    run = [node.get_rt_info() for node in compiled.get_runtime_model().get_ops()]
    precisions = [
        info["runtimePrecision"].astype(str)
        for info in run
        if info["layerType"].astype(str) in ("Convolution", "Deconvolution", "FullyConnected")
    ]
    told = artifact.body.quantized.layers
    weights = {"MultiheadAttention": 2}  # its queries, keys and values as one, and its output
    counts = Counter(
        {
            integer: sum(weights.get(t.kind, 1) for t in told if t.integer == integer)
            for integer in (True, False)
        }
    )
    assert counts == Counter(precision in ("u8", "i8") for precision in precisions)


@pytest.mark.parametrize("kind", ["vector", "residual"])
def test_its_error_is_no_more_than_that_of_the_librarys_own_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    """One sample at a time and with NNCF's own settings, as its documentation calibrates."""
    register(monkeypatch)
    task = tiny.task(kind)
    task = with_weights(task, train(task, "tiny", tiny.RECIPE, 1, tmp_path / "checkpoints"))
    model = task.network.module()
    with torch.inference_mode():
        expected = model(torch.from_numpy(task.test.inputs()[0])).numpy()
    ours = error(logits(made(task, tmp_path, "nncf_static"), task), expected)

    ort_quantizer.float_onnx(task.network, tmp_path / "float.onnx")
    samples = [{"input": sample[None]} for sample in task.calibration.inputs()[0]]
    with silenced():
        quantized = nncf.quantize(
            onnx.load(tmp_path / "float.onnx"),
            nncf.Dataset(samples),
            advanced_parameters=nncf.AdvancedQuantizationParameters(
                overflow_fix=nncf.OverflowFix(nncf_static.SETTINGS().overflow_fix)
            ),
        )
    session = ort.InferenceSession(
        quantized.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    theirs = error(session.run(None, {"input": task.test.inputs()[0]})[0], expected)
    assert ours < theirs / 2
    assert ours < 0.03


def initialised(patch: pytest.MonkeyPatch, kind: str, folder: Path) -> Task:
    """A network of that kind as it is built."""
    register(patch)
    task = tiny.task(kind)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        state = task.network.module().state_dict()

    def fill(place: Path) -> Training:
        write_state(place / STATE, state)
        return Training(
            model=kind, data="mnist", recipe="none", seed=0, settings={}, threads=1,
            loss_every=1, losses=(), epochs=(),
        )  # fmt: skip

    return with_weights(task, save(folder / "checkpoint", "checkpoint", {"kind": kind}, fill))
