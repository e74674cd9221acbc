from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np

from quantbench.artifacts.artifact import Artifact
from quantbench.explain.profiles import ncnn
from quantbench.explain.profiling.operators import WARM
from quantbench.export.to_ncnn import PARAM, SHAPES, WEIGHTS

_LAYERS = """7767517
4 5
Input in0 0 1 in0
InnerProduct fc1 1 1 in0 1 0=2000 1=1 2=4000000
ReLU relu 1 1 1 2
InnerProduct fc2 1 1 2 out0 0=3 1=1 2=6000
"""


def test_each_layer_by_itself(tmp_path: Path) -> None:
    """The first layer multiplies 700 times as much as the last one, and reads its weights."""
    rng = np.random.default_rng(1)
    parts = [rng.normal(size=size).astype(np.float32) for size in (4_000_000, 2000, 6000, 3)]
    held = [bytes(4) + parts[0].tobytes(), parts[1].tobytes()]
    held += [bytes(4) + parts[2].tobytes(), parts[3].tobytes()]
    (tmp_path / PARAM).write_text(_LAYERS)
    (tmp_path / WEIGHTS).write_bytes(b"".join(held))
    (tmp_path / SHAPES).write_text(json.dumps([[3]]))
    artifact = cast(Artifact, SimpleNamespace(folder=tmp_path))
    batch = (rng.normal(size=(2, 2000)).astype(np.float32),)
    session = ncnn.start(artifact, 1, batch, tmp_path)
    for _ in range(WARM + 3):
        session.predict(*batch)
    profile = session.finish()
    found = [(operator.name, operator.part) for operator in profile.operators]
    assert found == [("fc1", "float"), ("relu", "other"), ("fc2", "float")]
    assert profile.us.shape == (3, 3)
    first, activation, last = profile.us.min(axis=0)
    assert first > 20 * max(activation, last)


def test_handing_over_is_subtracted_and_never_more_than_there_is() -> None:
    computed = np.array([[9.0, 9.0]] * WARM + [[5.0, 2.0], [6.0, 1.0]])
    handed = np.array([[9.0, 9.0]] * WARM + [[1.0, 1.5], [2.0, 30.0]])
    assert ncnn.layer_times(computed, handed).tolist() == [[4.0, 0.5], [5.0, 0.0]]
