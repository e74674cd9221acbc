"""Layers of networks with several inputs, functions, control flow, or exported."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from quantbench.tasks.layers import layers
from quantbench.tasks.network import TensorSpec
from quantbench.tasks.records import FUNCTIONAL, Layer

IMAGE = (TensorSpec(name="image", shape=(3, 224, 224)),)


def by_name(found: tuple[Layer, ...]) -> dict[str, int]:
    return {layer.name: layer.macs for layer in found}


def total(found: tuple[Layer, ...]) -> int:
    return sum(layer.macs for layer in found)


class Functions(nn.Module):
    """Products of every kind that no module stands for, beside one module."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.ones(4, 3, 3, 3))
        self.matrix = nn.Parameter(torch.ones(5, 4))
        self.last = nn.Linear(5, 2)

    def forward(self, image: Tensor) -> Tensor:
        features = F.relu(F.conv2d(image, self.kernel, padding=1))  # [N, 4, 6, 6]
        rows = features.flatten(2).transpose(1, 2)  # [N, 36, 4]
        rows = F.scaled_dot_product_attention(rows, rows, rows)
        rows = F.linear(rows, self.matrix)  # [N, 36, 5]
        mixed = torch.einsum("nij,nkj->nik", rows, rows)  # [N, 36, 36]
        mixed = torch.bmm(mixed, rows) + torch.matmul(mixed, rows)
        return self.last(mixed.mean(1))


def test_products_outside_of_modules_are_a_layer_of_their_own() -> None:
    found = layers(Functions(), (TensorSpec(name="image", shape=(3, 6, 6)),))
    convolution, linear, attention = 36 * 4 * 27, 36 * 4 * 5, 2 * 36 * 36 * 4
    products = 3 * 36 * 36 * 5
    assert by_name(found) == {
        "last": 10,
        FUNCTIONAL: convolution + linear + attention + products,
    }
    assert found[-1].parameters == 4 * 27 + 20
    assert sum(layer.parameters for layer in found) == 4 * 27 + 20 + 12


def test_a_network_without_functions_has_no_such_layer() -> None:
    found = layers(nn.Sequential(nn.Linear(3, 4), nn.ReLU()), (3,))
    assert [layer.name for layer in found] == ["0", "1"]


class Own(nn.Module):
    """A leaf module of the user's own, which multiplies."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(5, 7))

    def forward(self, rows: Tensor) -> Tensor:
        return rows @ self.weight.T @ torch.ones(5)


def test_a_leaf_module_of_an_unknown_kind_is_counted() -> None:
    found = layers(nn.Sequential(Own()), (4, 7))
    assert by_name(found) == {"0": 4 * 7 * 5 + 4 * 5}


def test_two_inputs_meet_in_a_bilinear_layer() -> None:
    bilinear = layers(Pair(), (TensorSpec(name="a", shape=(3,)), TensorSpec(name="b", shape=(4,))))
    assert by_name(bilinear)["both"] == 5 * 3 * 4


class Pair(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.both = nn.Bilinear(3, 4, 5)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.both(a, b)


class Text(nn.Module):
    """Two inputs of integers; it branches on what it computes, so that nothing can trace it."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(100, 8)
        self.recurrent = nn.LSTM(8, 6, batch_first=True)
        self.last = nn.Linear(6, 3)
        self.relu = nn.ReLU()

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        features, _ = self.recurrent(self.words(tokens))
        pooled = features.mean(1) if mask.sum() == 0 else features[:, -1]
        return self.relu(self.last(pooled))


def test_integers_go_into_a_network_that_nothing_can_trace() -> None:
    specs = (
        TensorSpec(name="tokens", shape=(9,), dtype="int64"),
        TensorSpec(name="mask", shape=(9,), dtype="bool"),
    )
    found = layers(Text(), specs)
    assert by_name(found) == {
        "words": 0, "recurrent": 9 * 4 * (8 * 6 + 6 * 6), "last": 18, "relu": 0,
    }  # fmt: skip
    assert found[0].parameters == 800
    assert {layer.activation for layer in found} == {None}


def test_a_transformer_is_counted_past_its_fast_path() -> None:
    encoder = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True).eval()
    before = torch.backends.mha.get_fastpath_enabled()
    found = layers(encoder, (5, 16))
    assert torch.backends.mha.get_fastpath_enabled() == before
    attention = 4 * 5 * 16 * 16 + 2 * 5 * 5 * 16
    assert total(found) == attention + 2 * 5 * 16 * 32
    assert FUNCTIONAL not in by_name(found)


def test_a_parametrized_layer_is_one_layer() -> None:
    layer = nn.utils.parametrizations.weight_norm(nn.Linear(6, 4))
    assert by_name(layers(nn.Sequential(layer), (6,))) == {"0": 24}


def test_one_batch_that_a_network_takes_is_divided_out() -> None:
    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 2, 3)

        def forward(self, image: Tensor) -> Tensor:
            rows = self.conv(image).reshape(4, 2, -1)
            return rows @ rows.transpose(1, 2)

    found = layers(Fixed(), (1, 6, 6), batch=4)
    assert by_name(found) == {"conv": 16 * 2 * 9, FUNCTIONAL: 2 * 2 * 16}


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.zeros(8, 8))
        self.conv = nn.Conv2d(1, 2, 3, stride=2)
        self.norm = nn.BatchNorm2d(2)
        self.relu = nn.ReLU()
        self.last = nn.Linear(2, 3)

    def forward(self, image: Tensor) -> Tensor:
        features = self.relu(self.norm(self.conv(image + self.place)))
        return self.last(features.mean((2, 3))) @ torch.ones(3, 3)


def test_an_exported_network_has_the_layers_of_its_modules() -> None:
    network = Small().eval()
    program = torch.export.export(network, (torch.zeros(2, 1, 8, 8),))
    exported = layers(_module(program), (1, 8, 8), batch=2)
    assert [(x.name, x.kind, x.output_shape, x.parameters, x.macs) for x in exported] == [
        (x.name, x.kind, x.output_shape, x.parameters, x.macs) for x in layers(network, (1, 8, 8))
    ]
    assert by_name(exported)[FUNCTIONAL] == 9


def _module(program: torch.export.ExportedProgram) -> nn.Module:
    """An exported module, which refuses eval(): the program is what it was exported as."""
    module = program.module()
    module.eval = lambda: module
    return module


def test_pools_of_one_axis_have_one_size() -> None:
    (pool,) = layers(nn.Sequential(nn.MaxPool1d(2)), (3, 8))
    assert pool.kernel == pool.stride == (2,)
    (pool,) = layers(nn.Sequential(nn.MaxPool3d(2)), (3, 8, 8, 8))
    assert pool.kernel == (2, 2, 2)


def convolved(inputs: int, outputs: int, size: int, stride: int = 1, groups: int = 1) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(),
    )


class Inverted(nn.Module):
    """A block of MobileNetV2, Sandler et al. 2018, Table 1."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        expand = [convolved(inputs, wide, 1)] if expansion > 1 else []
        self.body = nn.Sequential(
            *expand,
            convolved(wide, wide, 3, stride, groups=wide),
            nn.Conv2d(wide, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, image: Tensor) -> Tensor:
        return image + self.body(image) if self.residual else self.body(image)


def mobilenet_v2() -> nn.Module:
    """Table 2 of the paper: expansion, channels, repetitions, stride."""
    blocks, channels = [convolved(3, 32, 3, 2)], 32
    for expansion, outputs, repeated, stride in (
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
        (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
    ):  # fmt: skip
        for index in range(repeated):
            blocks.append(Inverted(channels, outputs, stride if index == 0 else 1, expansion))
            channels = outputs
    return nn.Sequential(
        *blocks, convolved(320, 1280, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(1280, 1000),
    )  # fmt: skip


class Basic(nn.Module):
    """A block of ResNet-18, He et al. 2015, with a projection where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = convolved(inputs, outputs, 3, stride)
        self.second = nn.Sequential(
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs)
        )
        self.shortcut: nn.Module = nn.Identity()
        if inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, image: Tensor) -> Tensor:
        return F.relu(self.second(self.first(image)) + self.shortcut(image))


def resnet_18() -> nn.Module:
    blocks = [
        block
        for inputs, outputs, stride in ((64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2))
        for block in (Basic(inputs, outputs, stride), Basic(outputs, outputs, 1))
    ]
    return nn.Sequential(
        convolved(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1), *blocks, nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(512, 1000),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("network", "multiply_adds", "parameters"),
    [(mobilenet_v2, 300e6, 3.4e6), (resnet_18, 1.82e9, 11.7e6)],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_published_networks_cost_what_their_papers_say(
    network, multiply_adds: float, parameters: float
) -> None:
    model = network().eval()
    found = layers(model, IMAGE)
    assert total(found) == pytest.approx(multiply_adds, rel=0.01)
    assert sum(layer.parameters for layer in found) == pytest.approx(parameters, rel=0.04)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 3, 224, 224))
    assert total(found) == counter.get_total_flops() // 2
