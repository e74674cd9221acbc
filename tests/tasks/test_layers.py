from __future__ import annotations

import itertools
from collections import OrderedDict

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from quantbench import plugins
from quantbench.tasks.layers import chains, layers, macs


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
    assert macs(nn.Linear(120, 84), [(120,)], (84,)) == 120 * 84
    assert macs(nn.Linear(3, 5), [(7, 3)], (7, 5)) == 7 * 3 * 5
    assert macs(nn.ReLU(), [(84,)], (84,)) == 0
    assert macs(nn.AvgPool2d(2), [(6, 28, 28)], (6, 14, 14)) == 0


def flops(model: nn.Module, *inputs: Tensor) -> int:
    """By PyTorch's own counter, which counts a multiply-add twice."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(*inputs)
    return counter.get_total_flops()


@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (nn.Conv1d(4, 6, 3, stride=2, padding=1, groups=2), (4, 11)),
        (nn.Conv3d(4, 6, (3, 2, 1), padding=1), (4, 7, 5, 6)),
        (nn.ConvTranspose1d(4, 6, 3, stride=2, groups=2), (4, 11)),
        (nn.ConvTranspose2d(4, 6, (3, 5), stride=2, padding=1, output_padding=1), (4, 11, 9)),
        (nn.ConvTranspose3d(4, 6, 3, stride=2), (4, 5, 5, 4)),
        (nn.RNN(5, 6, batch_first=True), (9, 5)),
        (nn.GRU(5, 6, batch_first=True), (9, 5)),
        (nn.GRU(5, 6, num_layers=2, bidirectional=True, batch_first=True), (9, 5)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_multiply_adds_are_what_pytorch_counts(module: nn.Module, shape: tuple[int, ...]) -> None:
    (layer,) = layers(nn.Sequential(module), shape)
    assert layer.macs == flops(module, torch.zeros(1, *shape)) // 2 > 0


@pytest.mark.parametrize("layout", [{}, {"num_layers": 2}, {"bidirectional": True}])
def test_an_lstm_costs_four_plain_layers_of_its_size(layout: dict[str, int]) -> None:
    """PyTorch's counter doesn't see into its kernel for LSTMs, but into that of RNNs."""
    (layer,) = layers(nn.Sequential(nn.LSTM(5, 6, batch_first=True, **layout)), (9, 5))
    plain = nn.RNN(5, 6, batch_first=True, **layout)
    assert layer.macs == 4 * flops(plain, torch.zeros(1, 9, 5)) // 2


class Attending(nn.Module):
    """Attention whose queries, keys and values differ in number and width."""

    def __init__(self, **options: bool) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, kdim=5, vdim=6, batch_first=True, **options)

    def forward(self, tokens: Tensor) -> Tensor:
        others = torch.zeros(1, 9, 6)
        return self.attention(tokens, others[..., :5], value=others)[0]


@pytest.mark.parametrize("options", [{}, {"add_bias_kv": True}, {"add_zero_attn": True}], ids=str)
def test_attention_costs_its_projections_and_its_products(options: dict[str, bool]) -> None:
    model = Attending(**options)
    costs = {layer.name: layer.macs for layer in layers(model, (7, 8))}
    assert costs == {"attention": flops(model, torch.zeros(1, 7, 8)) // 2}


def test_lenet_is_table_1_of_the_report() -> None:
    module = plugins.model("lenet")
    lenet = layers(module.build(), module.INPUT_SHAPE)
    table = [
        (layer.kind, layer.kernel, layer.stride, layer.activation, layer.output_shape, layer.macs)
        for layer in lenet
        if layer.kind not in ("ReLU", "Flatten", "QuantStub", "DeQuantStub")
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
    assert sum(layer.parameters for layer in lenet) == 61_706
    assert sum(layer.macs for layer in lenet) == 416_520


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
            g=nn.Conv1d(1, 2, 3), g_bn=nn.BatchNorm1d(2), g_relu=nn.ReLU(),
            h=nn.ConvTranspose2d(2, 2, 2), h_bn=nn.BatchNorm2d(2),
        )
    )  # fmt: skip
    assert chains(model) == [
        ["a", "a_bn", "a_relu"], ["b", "b_relu"], ["c", "c_bn"], ["d"], ["e", "e_relu"], ["f"],
        ["g", "g_bn", "g_relu"], ["h", "h_bn"],
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
    activations = {layer.name: layer.activation for layer in layers(Branching(), (1, 5, 5))}
    assert activations["conv"] is None
    assert activations["left"] == "ReLU"


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
