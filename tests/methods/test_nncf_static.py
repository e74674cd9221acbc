from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import torch

from quantbench import plugins
from quantbench.artifact import Artifact
from quantbench.checkpoint import Checkpoint
from quantbench.contracts import quiet
from quantbench.errors import CalibrationError
from quantbench.methods import nncf_static
from quantbench.structure import layers
from quantbench.task import Task
from tests.methods.ort import constants, error, logits, made

T = TypeVar("T")

BOUND = 0.06
"""Root mean square of the logits' error over that of the logits: 0.038 to 0.041 here.

NNCF takes the mean of the images' ranges where ONNX Runtime takes the widest (0.004 to 0.0125),
and clips what lies outside.
"""


@pytest.mark.parametrize("preset", ["mixed", "performance"])
@pytest.mark.parametrize("fast", ["true", "false"])
def test_its_logits_are_near_those_of_float(
    task: Task,
    checkpoint: Checkpoint,
    artifacts: Callable[[str, str, str], Artifact],
    tmp_path: Path,
    preset: str,
    fast: str,
) -> None:
    artifact = made(
        task, checkpoint, tmp_path, "nncf_static", preset=preset, fast_bias_correction=fast
    )
    inputs = task.inputs(task.test)
    expected = logits(artifacts("lenet", "float32", "onnx"), task)
    found = plugins.runtime("openvino").load(artifact, 1)(inputs)
    assert error(found, expected) < BOUND
    how = f"calibrated on 120 images, preset {preset}, bias correction "
    assert how + ("fast" if fast == "true" else "full") in artifact.body.quantized.notes


@pytest.mark.parametrize(("vnni", "expected"), [(True, "disable"), (False, "enable")])
def test_the_range_is_reduced_where_16_bit_sums_would_saturate(
    vnni: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nncf_static, "has_vnni", lambda _: vnni)
    assert nncf_static.SETTINGS().overflow_fix == expected


def test_reduced_weights_have_7_bits_and_the_row_says_so(
    task: Task, checkpoint: Checkpoint, tmp_path: Path
) -> None:
    for fix, seven in (("enable", True), ("disable", False)):
        artifact = made(task, checkpoint, tmp_path, "nncf_static", overflow_fix=fix)
        widest = [
            np.abs(values.astype(np.int64)).max()
            for name, values in constants(artifact).items()
            if name.startswith("q_output_")
        ]
        assert len(widest) == 5
        assert all((value <= 64) == seven for value in widest)
        assert ("int8 per channel (7 bits)" in artifact.body.quantized.numerics) == seven


def test_every_layer_is_integer_as_written(
    artifacts: Callable[[str, str, str], Artifact], task: Task
) -> None:
    told = artifacts("lenet", "nncf_static", "onnx").body.quantized
    assert [layer.name for layer in told.layers] == [
        layer.name for layer in layers(task.build(), task.input_shape) if layer.macs
    ]
    assert told.coverage.float_macs == 0
    assert [layer.scale is not None for layer in told.layers] == [True, True, True, True, False]
    assert any(note.startswith("ONNX Runtime runs layer 'fc2' in float32") for note in told.notes)


def test_only_progress_is_shown_and_to_its_end(
    task: Task, checkpoint: Checkpoint, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    seen: list[str] = []

    def track(items: Iterable[T], description: str, total: int) -> Iterable[T]:
        count = 0
        for item in items:
            yield item
            count += 1
        seen.append(f"{description}: {count} of {total}")

    nncf_static.quantize(task, checkpoint, nncf_static.SETTINGS(), "onnx", tmp_path, track)
    assert seen
    assert set(seen) == {"calibrating: 2 of 2"}
    assert capfd.readouterr() == ("", "")


def test_a_value_that_is_not_finite_names_its_layer(
    task: Task, checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = task.build()
    with torch.no_grad():
        next(model.parameters())[0] = torch.inf
    monkeypatch.setattr(nncf_static, "float_model", lambda *_: model.eval())
    with pytest.raises(CalibrationError, match="layer 'conv1' gives a value that isn't finite"):
        nncf_static.quantize(task, checkpoint, nncf_static.SETTINGS(), "onnx", tmp_path, quiet)
