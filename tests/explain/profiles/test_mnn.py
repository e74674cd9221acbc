from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import torch

from quantbench.artifacts.artifact import Artifact
from quantbench.explain.profiles import mnn
from quantbench.explain.profiling.operators import WARM
from quantbench.export.to_mnn import MODEL, convert
from tests import networks


def test_the_operators_of_a_session_that_answers_as_pytorch_does(tmp_path: Path) -> None:
    network = networks.small("features")
    convert(network, tmp_path / MODEL)
    artifact = cast(Artifact, SimpleNamespace(folder=tmp_path))
    inputs = networks.calibration(network).inputs(0, 3)
    session = mnn.start(artifact, 1, inputs, tmp_path)
    for _ in range(WARM + 3):
        (answers,) = session.predict(*inputs)
    with torch.inference_mode():
        wanted = network.module()(*map(torch.from_numpy, inputs)).numpy()
    np.testing.assert_allclose(answers.reshape(wanted.shape), wanted, rtol=1e-4, atol=1e-4)
    profile = session.finish()
    products = [operator.kind for operator in profile.operators if operator.part == "float"]
    layers = [m for m in network.module().modules() if isinstance(m, torch.nn.Linear)]
    assert len(products) == len(layers)
    assert profile.us.shape == (3, len(profile.operators))
    assert (profile.us > 0).all()


def test_calls_that_ran_other_operators_are_left_out() -> None:
    call = [("a", "Convolution", 3.0), ("b", "Raster", 1.0)]
    profile = mnn.profile_of([call, call[:1], call])
    assert profile.us.tolist() == [[3.0, 1.0]] * 2
    assert [operator.part for operator in profile.operators] == ["float", "conversion"]
