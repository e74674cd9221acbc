from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import torch

from quantbench.artifacts.artifact import Artifact
from quantbench.errors import ArtifactError
from quantbench.export.to_mnn import MODEL, convert
from quantbench.runtimes import mnn as runtime
from quantbench.tasks.source import load_network
from tests import networks
from tests.families import ds_cnn, resnet8, two_inputs, two_outputs, unet
from tests.families.family import Family
from tests.families.fit import fitted, outputs_of
from tests.process import python

WIDTH = 0.25
LOADS = """
import sys
from pathlib import Path
from types import SimpleNamespace
import numpy as np
from quantbench.runtimes import mnn
predict = mnn.load(SimpleNamespace(folder=Path(sys.argv[1])), 1)
predict(np.zeros((3, 1, 32, 32), np.float32))
"""


@pytest.mark.parametrize(
    "family",
    [f.FAMILY for f in (ds_cnn, resnet8, two_inputs, two_outputs, unet)],
    ids=lambda family: family.name,
)
def test_float32_answers_as_pytorch_does(family: Family, tmp_path: Path) -> None:
    arrays, _ = family.samples(WIDTH, 5, 1)
    module = fitted(family, WIDTH, 0)
    convert(load_network(module, example=arrays), tmp_path / MODEL)
    predict = runtime.load(cast(Artifact, SimpleNamespace(folder=tmp_path)), 1)
    with torch.inference_mode():
        expected = [t.numpy() for t in outputs_of(module, tuple(map(torch.from_numpy, arrays)))]
    for start, stop in ((0, 5), (0, 1), (3, 4), (4, 5)):
        answers = predict(*(array[start:stop] for array in arrays))
        outputs = answers if isinstance(answers, tuple) else (answers,)
        for output, wanted in zip(outputs, expected, strict=True):
            np.testing.assert_allclose(output, wanted[start:stop], rtol=1e-4, atol=1e-4)


def test_whole_numbers_are_taken_as_inputs(tmp_path: Path) -> None:
    network = networks.small("tokens")
    arrays = networks.calibration(network).inputs(0, 6)
    convert(network, tmp_path / MODEL)
    predict = runtime.load(cast(Artifact, SimpleNamespace(folder=tmp_path)), 1)
    with torch.inference_mode():
        expected = network.module()(*map(torch.from_numpy, arrays)).numpy()
    np.testing.assert_allclose(predict(*arrays), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("threads", [1, 2])
def test_it_is_given_its_threads(
    artifacts: Callable[[str, str, str], Artifact],
    monkeypatch: pytest.MonkeyPatch,
    threads: int,
) -> None:
    """MNN doesn't tell its threads, so what it is given is looked at."""
    given: list[object] = []
    original = runtime.MNN.nn.create_runtime_manager

    def watched(options: tuple[dict[str, object], ...]) -> object:
        given.extend(option["numThread"] for option in options)
        return original(options)

    monkeypatch.setattr(runtime.MNN.nn, "create_runtime_manager", watched)
    runtime.load(artifacts("lenet", "float32", "mnn"), threads)
    assert given == [threads]


@pytest.mark.parametrize("kept", [0, 100, -40_000])
def test_a_damaged_file_is_refused_in_one_line(
    artifacts: Callable[[str, str, str], Artifact],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    kept: int,
) -> None:
    data = (artifacts("lenet", "float32", "mnn").folder / MODEL).read_bytes()
    (tmp_path / MODEL).write_bytes(data[:kept])
    with pytest.raises(ArtifactError, match=r"MNN .* can't load .*model\.mnn") as caught:
        runtime.load(cast(Artifact, SimpleNamespace(folder=tmp_path)), 1)
    assert len(str(caught.value).splitlines()) == 1
    assert capfd.readouterr() == ("", "")


def test_it_says_nothing_and_leaves_nothing_in_the_home(
    artifacts: Callable[[str, str, str], Artifact], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    folder = str(artifacts("lenet", "float32", "mnn").folder)
    child = python("-c", LOADS, folder, cwd=tmp_path, HOME=str(home))
    assert (child.returncode, child.stdout, child.stderr) == (0, "", "")
    assert list(home.rglob("*")) == []
