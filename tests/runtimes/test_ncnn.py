from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import ncnn
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from quantbench.artifacts.artifact import Artifact
from quantbench.errors import ArtifactError, UnavailableError
from quantbench.export.to_ncnn import PARAM, WEIGHTS, convert
from quantbench.runtimes import ncnn as runtime
from quantbench.tasks.source import load_network
from tests import networks
from tests.families import ds_cnn, resnet8, two_inputs, two_outputs, unet
from tests.families.family import Family
from tests.families.fit import fitted, outputs_of

WIDTH = 0.25


@pytest.mark.parametrize(
    "family",
    [f.FAMILY for f in (ds_cnn, resnet8, two_inputs, two_outputs, unet)],
    ids=lambda family: family.name,
)
def test_float32_answers_as_pytorch_does(family: Family, tmp_path: Path) -> None:
    arrays, _ = family.samples(WIDTH, 5, 1)
    module = fitted(family, WIDTH, 0)
    convert(load_network(module, example=arrays), tmp_path)
    predict = runtime.load(cast(Artifact, SimpleNamespace(folder=tmp_path)), 1)
    with torch.inference_mode():
        expected = [t.numpy() for t in outputs_of(module, tuple(map(torch.from_numpy, arrays)))]
    for size in (5, 1):
        answers = predict(*(array[:size] for array in arrays))
        outputs = answers if isinstance(answers, tuple) else (answers,)
        for output, wanted in zip(outputs, expected, strict=True):
            np.testing.assert_allclose(output, wanted[:size], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("threads", [1, 2])
def test_it_is_given_its_threads_and_no_halves(
    artifacts: Callable[[str, str, str], Artifact],
    monkeypatch: pytest.MonkeyPatch,
    threads: int,
) -> None:
    made: list[ncnn.Net] = []

    def watched() -> ncnn.Net:
        made.append(ncnn.Net())
        return made[-1]

    monkeypatch.setattr(runtime, "ncnn", SimpleNamespace(Net=watched, Mat=ncnn.Mat))
    runtime.load(artifacts("lenet", "float32", "ncnn"), threads)
    (net,) = made
    assert net.opt.num_threads == threads
    assert not net.opt.use_fp16_storage
    assert not net.opt.use_bf16_storage


def test_a_damaged_model_is_refused_in_one_line(
    artifacts: Callable[[str, str, str], Artifact],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    stored = artifacts("lenet", "float32", "ncnn").folder
    for cut in (PARAM, WEIGHTS):
        for name in (PARAM, WEIGHTS):
            data = (stored / name).read_bytes()
            (tmp_path / name).write_bytes(data[: len(data) // 2] if name == cut else data)
        with pytest.raises(ArtifactError, match=r"ncnn can't load .*model\.ncnn\.param") as caught:
            runtime.load(cast(Artifact, SimpleNamespace(folder=tmp_path)), 1)
        assert len(str(caught.value).splitlines()) == 1
    assert capfd.readouterr() == ("", "")


def test_what_it_can_not_take_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="ncnn takes float32 alone"):
        convert(networks.small("tokens"), tmp_path)
    with pytest.raises(UnavailableError, match=r"torch\.export can't trace network"):
        convert(networks.small("branching"), tmp_path)

    class Odd(nn.Module):
        def forward(self, inputs: Tensor) -> Tensor:
            return torch.special.bessel_j0(inputs)

    network = load_network(Odd(), example=np.zeros((2, 3, 4), np.float32))
    with pytest.raises(UnavailableError, match="ncnn doesn't know a layer of the network") as found:
        convert(network, tmp_path)
    assert len(str(found.value).splitlines()) == 1


def test_outputs_have_no_axis_of_a_batch_where_pnnx_keeps_one(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(16, 6), nn.ReLU(), nn.Linear(6, 3)).eval()
    inputs = np.random.default_rng(0).normal(size=(5, 1, 4, 4)).astype(np.float32)
    convert(load_network(module, example=inputs), tmp_path)
    predict = runtime.load(cast(Artifact, SimpleNamespace(folder=tmp_path)), 1)
    with torch.inference_mode():
        wanted = module(torch.from_numpy(inputs)).numpy()
    np.testing.assert_allclose(cast(np.ndarray, predict(inputs)), wanted, rtol=1e-4, atol=1e-4)


def test_outputs_past_ten_keep_their_order(tmp_path: Path) -> None:
    class Twelve(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parts = nn.ModuleList(nn.Linear(4, width) for width in range(1, 13))

        def forward(self, x: Tensor) -> tuple[Tensor, ...]:
            return tuple(part(x) for part in self.parts)

    inputs = np.ones((2, 4), np.float32)
    convert(load_network(Twelve().eval(), example=inputs), tmp_path)
    predict = runtime.load(cast(Artifact, SimpleNamespace(folder=tmp_path)), 1)
    assert [output.shape for output in predict(inputs)] == [(2, width) for width in range(1, 13)]
