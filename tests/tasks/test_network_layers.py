from __future__ import annotations

from pathlib import Path

import pytest
from torch import nn

from quantbench.errors import UnavailableError
from quantbench.tasks.network import Network, TensorSpec
from quantbench.tasks.network_layers import network_layers
from tests.tasks.exported import exported

INPUTS = (TensorSpec(name="input", shape=(6,)),)
OUTPUTS = (TensorSpec(name="logits", shape=(4,)),)


def build() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4)).eval()


def test_a_module_and_its_file_have_the_same_layers(tmp_path: Path) -> None:
    exported(build(), tmp_path / "m.onnx", 6)
    module = Network("n", INPUTS, OUTPUTS, "0", make_module=build)
    file = Network("n", INPUTS, OUTPUTS, "0", onnx=tmp_path / "m.onnx")
    both = [
        [(layer.name, layer.parameters, layer.macs) for layer in network_layers(n) if layer.macs]
        for n in (module, file)
    ]
    assert both[0] == both[1] == [("0", 35, 30), ("2", 24, 20)]


def test_a_network_that_is_neither_says_why() -> None:
    with pytest.raises(UnavailableError, match="measured as it is"):
        network_layers(Network("n", INPUTS, OUTPUTS, "0", no_module="it is measured as it is"))
