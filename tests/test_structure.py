from __future__ import annotations

import itertools
from collections import OrderedDict

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from quantbench import plugins
from quantbench.structure import chains, layers, macs


def counted(conv: nn.Conv2d, height: int, width: int) -> int:
    """Multiply-adds counted one by one; those with padding are done too, on zeros."""
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = (
        conv.kernel_size, conv.stride, conv.padding, conv.dilation
    )  # fmt: skip
    rows = range(0, height + 2 * ph - dh * (kh - 1), sh)
    columns = range(0, width + 2 * pw - dw * (kw - 1), sw)
    inputs = conv.in_channels // conv.groups
    places = itertools.product(
        range(conv.out_channels), rows, columns, range(inputs), range(kh), range(kw)
    )
    return sum(1 for _ in places)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_multiply_adds_of_a_convolution(data: st.DataObject) -> None:
    draw = data.draw
    groups = draw(st.integers(1, 3))
    conv = nn.Conv2d(
        groups * draw(st.integers(1, 2)),
        groups * draw(st.integers(1, 2)),
        (draw(st.integers(1, 3)), draw(st.integers(1, 3))),
        stride=(draw(st.integers(1, 3)), draw(st.integers(1, 2))),
        padding=(draw(st.integers(0, 2)), draw(st.integers(0, 1))),
        dilation=draw(st.integers(1, 2)),
        groups=groups,
    )
    height, width = draw(st.integers(5, 8)), draw(st.integers(5, 8))
    (layer,) = layers(nn.Sequential(conv), (conv.in_channels, height, width))
    assert layer.macs == counted(conv, height, width)


def test_multiply_adds_of_other_layers() -> None:
    assert macs(nn.Linear(120, 84), (84,)) == 120 * 84
    assert macs(nn.Linear(3, 5), (7, 5)) == 7 * 3 * 5
    assert macs(nn.ReLU(), (84,)) == 0
    assert macs(nn.AvgPool2d(2), (6, 14, 14)) == 0


def test_lenet_is_table_1_of_the_report() -> None:
    module = plugins.model("lenet")
    found = layers(module.build(), module.INPUT_SHAPE)
    table = [
        (layer.kind, layer.kernel, layer.stride, layer.activation, layer.output_shape, layer.macs)
        for layer in found
        if layer.kind not in ("ReLU", "Flatten")
    ]
    assert table == [
        ("Conv2d", (5, 5), (1, 1), "ReLU", (6, 28, 28), 117_600),
        ("AvgPool2d", (2, 2), (2, 2), None, (6, 14, 14), 0),
        ("Conv2d", (5, 5), (1, 1), "ReLU", (16, 10, 10), 240_000),
        ("AvgPool2d", (2, 2), (2, 2), None, (16, 5, 5), 0),
        ("Conv2d", (5, 5), (1, 1), "ReLU", (120, 1, 1), 48_000),
        ("Linear", (), (), "ReLU", (84,), 10_080),
        ("Linear", (), (), None, (10,), 840),
    ]
    assert sum(layer.parameters for layer in found) == 61_706
    assert sum(layer.macs for layer in found) == 416_520


def test_describing_changes_no_weight_and_leaves_no_hook() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    layers(model, (1, 5, 5))
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())


def test_chains_take_batch_norm_then_activation() -> None:
    model = nn.Sequential(
        OrderedDict(
            a=nn.Conv2d(1, 2, 3), a_bn=nn.BatchNorm2d(2), a_relu=nn.ReLU(),
            b=nn.Conv2d(2, 2, 3), b_relu=nn.ReLU(),
            c=nn.Conv2d(2, 2, 3), c_bn=nn.BatchNorm2d(2),
            d=nn.Conv2d(2, 2, 3), pool=nn.AvgPool2d(2), d_relu=nn.ReLU(),
            e=nn.Conv2d(2, 2, 1), e_relu=nn.ReLU(), e_bn=nn.BatchNorm2d(2),
            flat=nn.Flatten(), f=nn.Linear(2, 2),
        )
    )  # fmt: skip
    assert chains(model) == [
        ["a", "a_bn", "a_relu"], ["b", "b_relu"], ["c", "c_bn"], ["d"], ["e", "e_relu"], ["f"]
    ]  # fmt: skip


class Branching(nn.Module):
    """The convolution is read twice, so its activation can't be fused into it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.relu = nn.ReLU()
        self.left = nn.Conv2d(2, 2, 1)
        self.left_relu = nn.ReLU()
        self.right = nn.Conv2d(2, 2, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        shared = self.conv(inputs)
        return self.left_relu(self.left(self.relu(shared))) + self.right(shared)


def test_a_branch_ends_a_chain() -> None:
    assert chains(Branching()) == [["conv"], ["left", "left_relu"], ["right"]]
    found = {layer.name: layer.activation for layer in layers(Branching(), (1, 5, 5))}
    assert found["conv"] is None
    assert found["left"] == "ReLU"


class Twice(nn.Module):
    """One layer, used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.linear(self.linear(inputs))


def test_a_layer_that_is_used_twice_costs_twice() -> None:
    (layer,) = layers(Twice(), (4,))
    assert layer.macs == 2 * 16
    assert layer.parameters == 20
