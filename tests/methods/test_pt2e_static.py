from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, fx, nn

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.errors import CalibrationError
from quantbench.export import pt2e
from quantbench.export.calibration import Batches
from quantbench.export.to_program import exported
from quantbench.methods import pt2e_static
from quantbench.samples.records import Samples
from quantbench.studies.quantize import quantize
from quantbench.system.progress import NO_PROGRESS, NoProgress
from quantbench.tasks.task import Task
from quantbench.training.checkpoint import Checkpoint
from tests.networks import network_of
from tests.process import python

CHILD = """
import sys
from pathlib import Path
from quantbench import plugins
from quantbench.training.checkpoint import load_checkpoint, with_weights
from quantbench.studies.quantize import quantize
from tests import tiny

method = plugins.method("pt2e_static")
settings = method.SETTINGS()
task = with_weights(tiny.task(), load_checkpoint(Path(sys.argv[1])))
for format in method.FORMATS:
    quantize(task, "pt2e_static", settings, format, Path("out"))
"""


def mixed() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(0.5),
        nn.Linear(4 * 30 * 30, 10),
    )  # fmt: skip


@pytest.mark.slow
def test_another_process_writes_the_same_bytes_and_says_nothing(
    checkpoint: Checkpoint, artifacts: Callable[[str, str, str], Artifact], tmp_path: Path
) -> None:
    child = python("-c", CHILD, str(checkpoint.folder), cwd=tmp_path, PYTHONHASHSEED="7")
    assert (child.returncode, child.stdout, child.stderr) == (0, "", "")
    for format in pt2e_static.FORMATS:
        (made,) = (tmp_path / "out").glob(f"pt2e_static-{format}-*/model.*")
        here = artifacts("lenet", "pt2e_static", format).folder / made.name
        assert made.read_bytes() == here.read_bytes()


@pytest.mark.parametrize("model", plugins.names("models"))
def test_every_layer_is_int8_and_has_a_scale_but_the_last(
    artifacts: Callable[[str, str, str], Artifact], model: str
) -> None:
    told = artifacts(model, "pt2e_static", "pt2").body.quantized
    assert told.coverage.float_macs == 0
    assert [layer.scale is None for layer in told.layers] == [
        *[False] * (len(told.layers) - 1),
        True,
    ]


def test_float_weights_are_not_stored_beside_int8_ones(
    artifacts: Callable[[str, str, str], Artifact],
) -> None:
    assert (
        artifacts("lenet", "pt2e_static", "pt2").bytes
        < artifacts("lenet", "float32", "pt2").bytes / 2
    )


@pytest.mark.parametrize(
    ("reduced", "bits", "most"), [(True, "7 of 8 bits", 127), (False, "8 bits", 255)]
)
def test_a_reduced_range_is_said(
    task: Task, tmp_path: Path, reduced: bool, bits: str, most: int
) -> None:
    settings = pt2e_static.SETTINGS(reduce_range=reduced)
    told = quantize(task, "pt2e_static", settings, "pt2", tmp_path).body.quantized
    assert told.numerics.text == f"weights int8 per channel, activations uint8 ({bits})"
    found = re.findall(r"quantize_per_tensor.*, 0, (\d+), torch.uint8\)", told.structure)
    assert {int(number) for number in found} == {most}


def test_the_range_is_reduced_where_sums_would_saturate(monkeypatch: pytest.MonkeyPatch) -> None:
    for has in (True, False):
        monkeypatch.setattr(pt2e, "has_vnni", lambda _, has=has: has)
        assert pt2e_static.SETTINGS().reduce_range is not has


def batches(inputs: Tensor) -> Batches:
    samples = Samples("calibration", (inputs.numpy(),))
    return Batches(samples, network_of(nn.Identity(), tuple(inputs.shape[1:])))


class NoItems(NoProgress):
    def each(self, *_: object, **__: object) -> Iterator[Any]:
        return iter(())


def test_an_observer_that_saw_nothing_is_named(task: Task, checkpoint: Checkpoint) -> None:
    network = task.network
    graph = pt2e.prepared(
        network.module(), network, pt2e.PT2ESettings(reduce_range=False), train=False
    )
    nothing = batches(torch.zeros(0, *network.inputs[0].shape))
    with pytest.raises(CalibrationError, match="saw no calibration data"):
        pt2e.calibrate(graph, nothing, NoItems())


def test_batch_norm_and_dropout_are_in_eval_mode() -> None:
    torch.manual_seed(0)
    model = mixed().eval()
    inputs = torch.randn(200, 1, 32, 32)
    graph = pt2e.prepared(
        model, network_of(model, (1, 32, 32)), pt2e.PT2ESettings(reduce_range=False), train=False
    )
    pt2e.calibrate(graph, batches(inputs), NO_PROGRESS)
    converted = pt2e.converted(graph)
    with torch.no_grad():
        np.testing.assert_allclose(converted(inputs), model(inputs), atol=0.05)
        # in a batch as large: one of another size may be summed in another order
        others = torch.cat([inputs[:3], 2 * inputs[3:]])
        assert torch.equal(converted(inputs)[:3], converted(others)[:3])


class ReadTwice(nn.Module):
    """A convolution that a batch norm reads, and what is joined with it."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.second = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, inputs: Tensor) -> Tensor:
        found = self.first(inputs)
        return torch.cat([found, self.second(torch.relu(self.norm(found)))], 1)


def test_a_batch_norm_is_not_folded_into_what_others_read() -> None:
    """torchao folds it all the same: observers alone changed what the network computes."""
    torch.manual_seed(0)
    model = ReadTwice()
    model.norm.running_var.fill_(0.01)
    model.norm.running_mean.fill_(0.5)
    model.eval()
    inputs = torch.rand(20, 1, 8, 8)
    graph = pt2e.prepared(
        model, network_of(model, (1, 8, 8)), pt2e.PT2ESettings(reduce_range=False), train=False
    )
    with torch.no_grad():
        expected = model(inputs)
        torch.testing.assert_close(graph(inputs), expected)
        pt2e.calibrate(graph, batches(inputs), NO_PROGRESS)
        error = pt2e.converted(graph)(inputs) - expected
    assert error.square().mean().sqrt() < 0.02 * expected.std()
    assert not any("alias" in node.name for node in graph.graph.nodes)


def test_a_graph_in_training_mode_is_refused() -> None:
    network = network_of(mixed(), (1, 32, 32))
    graph = exported(network.module().train(), network).module()
    assert isinstance(graph, fx.GraphModule)
    with pytest.raises(CalibrationError, match="after conversion, '1' still works as in training"):
        pt2e.require_eval(graph, "conversion")


def test_torchao_is_missing_or_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    assert "torchao is not installed" in str(pt2e_static.unavailable())
    monkeypatch.setattr(metadata, "version", lambda _: "0.9.0")
    assert "torchao 0.9.0 is older than 0.18" in str(pt2e_static.unavailable())
    monkeypatch.setattr(metadata, "version", lambda _: "1.0.0+cpu")
    assert pt2e_static.unavailable() is None
