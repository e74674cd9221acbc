"""Products outside of layers are integers where the file holds all of them so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from torch import Tensor, nn

from quantbench.settings import settings_for
from quantbench.studies.own import Own, own_task
from quantbench.studies.quantize import quantize
from quantbench.tasks.records import FUNCTIONAL

TOKENS, FEATURES = 4, 6


class Products(nn.Module):
    """A fully connected layer, then a product of its output with itself."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(FEATURES, FEATURES)

    def forward(self, tokens: Tensor) -> Tensor:
        mixed = self.first(tokens)
        return mixed @ mixed.transpose(1, 2)


@pytest.mark.parametrize(("method", "integer"), [("ort_static", True), ("ort_dynamic", False)])
def test_products_outside_of_layers(method: str, integer: bool, tmp_path: Path) -> None:
    samples = np.random.default_rng(0).normal(size=(16, TOKENS, FEATURES)).astype(np.float32)
    labels = np.zeros(16, np.int64)
    own = Own(network=Products(), calibration=(samples, labels), test=(samples, labels))
    task = own_task(own, tmp_path / "given")
    artifact = quantize(task, method, settings_for(method), "onnx", tmp_path / "artifacts")
    layers = {layer.name: layer for layer in artifact.body.quantized.layers}
    assert layers["first"].integer
    assert layers[FUNCTIONAL].macs == TOKENS * TOKENS * FEATURES
    assert layers[FUNCTIONAL].integer == integer
    reason = None if integer else "1 of its 1 products outside of layers are float32"
    assert layers[FUNCTIONAL].reason == reason
