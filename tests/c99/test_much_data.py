"""The same bits on every test image, and on hundreds of networks. Slow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from quantbench.artifacts.artifact import Artifact
from quantbench.c99.generate import emit
from quantbench.c99.target.isa import ISAS
from quantbench.c99.target.target import Target
from quantbench.data import Splits, preprocess
from quantbench.data.mnist import SPEC
from quantbench.runtimes import c99, reference
from tests.c99.checking import command, has, native
from tests.c99.together import all_pass, drawn

pytestmark = pytest.mark.slow
NETWORKS = 500


@pytest.mark.parametrize("method", ["ort_static", "nncf_static", "pt2e_static"])
def test_every_test_image(
    artifacts: Callable[[str, str, str], Artifact],
    mnist: Splits,
    method: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of MNIST; and the darkest, the brightest and random images; one by one and as a batch."""
    command()
    monkeypatch.setenv("QUANTBENCH_CACHE", str(tmp_path))
    artifact = artifacts("lenet", method, "onnx")
    rng = np.random.default_rng(1)
    more = [np.full((1, 28, 28), value, np.uint8) for value in (0, 255)]
    more.append(rng.integers(0, 256, (1000, 28, 28), np.uint8))
    inputs = preprocess(np.concatenate([mnist.test.images, *more]), SPEC)
    assert len(inputs) == 11_002
    wanted = reference.load(artifact, 1)(inputs)
    predict = c99.load(artifact, 1)
    assert np.array_equal(predict(inputs), wanted)
    assert np.array_equal(np.concatenate([predict(inputs[i : i + 1]) for i in range(2000)]),
                          wanted[:2000])  # fmt: skip
    assert len(np.unique(wanted, axis=0)) > 5000


def test_many_networks(tmp_path: Path) -> None:
    """Each in one of the sets of kernels that this CPU has, or in portable code."""
    here = [one.macro for one in ISAS if has(one)] + ["MODEL_PORTABLE"]
    graphs = drawn(NETWORKS)
    for number, macro in enumerate(here):
        networks = [emit(graph, Target.NATIVE).files for graph in graphs[number :: len(here)]]
        folder = tmp_path / macro
        folder.mkdir()
        all_pass(networks, folder, (*command(), "-O1", *native(), f"-DMODEL_KERNELS={macro}"))
