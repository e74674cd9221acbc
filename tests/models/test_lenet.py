"""LeNet has the source report's structure, and prints as the report prints it."""

from __future__ import annotations

import re
from pathlib import Path

import onnx
import pytest
import torch
from torch import nn

from quantbench import plugins
from quantbench.export import to_onnx
from quantbench.export.eager import wrapped
from quantbench.export.to_program import exported
from quantbench.models.lenet import INPUT_SHAPE, build
from quantbench.system.silence import silenced
from quantbench.tasks.layers import layers
from tests.networks import network_of

FLOAT = """\
LeNet(
  (quant): QuantStub()
  (features): Sequential(
    (0): Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1))
    (1): ReLU()
    (2): AvgPool2d(kernel_size=2, stride=2, padding=0)
    (3): Conv2d(6, 16, kernel_size=(5, 5), stride=(1, 1))
    (4): ReLU()
    (5): AvgPool2d(kernel_size=2, stride=2, padding=0)
    (6): Conv2d(16, 120, kernel_size=(5, 5), stride=(1, 1))
    (7): ReLU()
  )
  (classifier): Sequential(
    (0): Linear(in_features=120, out_features=84, bias=True)
    (1): ReLU()
    (2): Linear(in_features=84, out_features=10, bias=True)
  )
  (dequant): DeQuantStub()
)"""


def structure(method: str) -> str:
    module = plugins.method(method)
    skeleton = module.skeleton(build(), module.SETTINGS(), ())  # type: ignore[attr-defined]
    return re.sub(r", qscheme=torch.per_\w+", "", str(skeleton.module))  # the engine's choice


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    for pattern, replacement in pairs:
        text, count = re.subn(pattern, replacement, text)
        assert count
    return text


def without_stubs() -> nn.Sequential:
    """The same layers in a row, with the same weights for a seed."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(),
        nn.AvgPool2d(2), nn.Conv2d(16, 120, 5), nn.ReLU(), nn.Flatten(), nn.Linear(120, 84),
        nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip


def seeded() -> tuple[nn.Module, nn.Module]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        lenet = build().eval()
        torch.manual_seed(1)
        return lenet, without_stubs().eval()


def test_its_size_is_the_report_s() -> None:
    network = build()
    assert sum(parameter.numel() for parameter in network.parameters()) == 61_706
    assert sum(layer.macs for layer in layers(network, INPUT_SHAPE)) == 416_520


def test_the_float_network_has_the_report_s_structure() -> None:
    assert str(build()) == FLOAT


def test_dynamic_changes_the_linear_layers_alone() -> None:
    linear = (
        r"\bLinear\((.*), bias=True\)",
        r"DynamicQuantizedLinear(\1, dtype=torch.qint8)",
    )
    assert structure("dynamic") == replaced(FLOAT, linear)


def test_static_without_calibration_keeps_every_module_in_its_place() -> None:
    assert structure("static_uncalibrated") == replaced(
        FLOAT,
        (r"QuantStub\(\)\n  \(f", "Quantize(scale=tensor([1.]), zero_point=tensor([0]), "
                                  "dtype=torch.quint8)\n  (f"),
        (r"DeQuantStub", "DeQuantize"),
        (r"\bConv2d\((.*)\)", r"QuantizedConv2d(\1, scale=1.0, zero_point=0)"),
        (r"\bLinear\((.*), bias=True\)", r"QuantizedLinear(\1, scale=1.0, zero_point=0)"),
    )  # fmt: skip


def test_calibrated_static_is_fused() -> None:
    text = structure("static")
    assert text.count("QuantizedConvReLU2d(") == 3
    assert text.count("QuantizedLinearReLU(") == 1
    assert text.count("Identity()") == 4
    assert "ReLU()" not in text
    assert text.count("Quantize(") == 2  # one is DeQuantize(


def test_stubs_and_the_order_of_layers_change_no_value() -> None:
    lenet, plain = seeded()
    inputs = torch.rand(3, *INPUT_SHAPE)
    with torch.inference_mode():
        assert torch.equal(lenet(inputs), plain(inputs))


def test_stubs_leave_no_trace_in_a_program() -> None:
    programs = [exported(network, network_of(network, INPUT_SHAPE)) for network in seeded()]
    operators = [
        [str(node.target) for node in program.graph.nodes if node.op == "call_function"]
        for program in programs
    ]
    assert operators[0] == operators[1]


def test_stubs_leave_no_trace_in_an_onnx_file(tmp_path: Path) -> None:
    graphs = []
    for name, network in zip(("lenet", "plain"), seeded(), strict=True):
        path = tmp_path / f"{name}.onnx"
        to_onnx.export(network, network_of(network, INPUT_SHAPE), path)
        graphs.append(onnx.load(path).graph)
        assert b"stub" not in path.read_bytes().lower()
    lenet, plain = graphs
    assert [(n.op_type, n.name) for n in lenet.node] == [(n.op_type, n.name) for n in plain.node]
    assert len(lenet.initializer) == len(plain.initializer)


@pytest.mark.parametrize("fuse", [False, True])
def test_its_own_stubs_are_the_only_ones(fuse: bool) -> None:
    with silenced():
        names = [type(module).__name__ for module in wrapped(build(), fuse=fuse).modules()]
    assert (names.count("QuantStub"), names.count("DeQuantStub")) == (1, 1)
    assert "QuantWrapper" not in names
