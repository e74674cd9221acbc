"""Networks that the models at hand don't have, as another file of models/ may."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.ao.quantization import DeQuantStub, QuantStub, default_qconfig, prepare

from quantbench.artifacts.artifact import Artifact
from quantbench.errors import UnavailableError
from quantbench.export.eager import float_name, set_qconfig, wrapped
from quantbench.settings import settings_for
from quantbench.studies.own import Own, own_task
from quantbench.studies.quantize import quantize
from quantbench.system.silence import silenced


class Shared(nn.Module):
    """One activation, alone after `a`, and again after the pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Conv2d(1, 3, 3)
        self.relu = nn.ReLU()
        self.pool = nn.AvgPool2d(2)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.relu(self.pool(self.relu(self.a(inputs))) - 0.3)


def of(**layers: nn.Module) -> nn.Module:
    return nn.Sequential(OrderedDict(layers))


NETWORKS: dict[str, tuple[Callable[[], nn.Module], set[str]]] = {
    "conv, relu": (lambda: of(a=nn.Conv2d(1, 3, 3), b=nn.ReLU()), {"b"}),
    "conv, bn, relu": (
        lambda: of(a=nn.Conv2d(1, 3, 3), b=nn.BatchNorm2d(3), c=nn.ReLU()),
        {"b", "c"},
    ),
    "conv, tanh": (lambda: of(a=nn.Conv2d(1, 3, 3), b=nn.Tanh()), set()),
    "conv, bn, tanh": (
        lambda: of(a=nn.Conv2d(1, 3, 3), b=nn.BatchNorm2d(3), c=nn.Tanh()),
        {"b"},
    ),
    "linear, bn, relu": (
        lambda: of(f=nn.Flatten(), a=nn.Linear(64, 3), b=nn.BatchNorm1d(3), c=nn.ReLU()),
        {"b"},
    ),
    "shared": (Shared, set()),
    "a shared relu in a row": (
        lambda: (lambda r: of(a=nn.Conv2d(1, 3, 3), b=r, c=nn.Conv2d(3, 3, 1), d=r))(nn.ReLU()),
        set(),
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_fusing_keeps_what_the_network_computes(name: str) -> None:
    build, fused = NETWORKS[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build().eval()
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
                module.running_mean.uniform_(-1, 1)
                module.running_var.uniform_(0.5, 2)
        inputs = torch.rand(2, 1, 8, 8)
    with silenced(), torch.inference_mode():
        converted = wrapped(model, fuse=True)
        torch.testing.assert_close(converted(inputs), model(inputs))
    gone = {n for n, m in converted.module.named_children() if isinstance(m, nn.Identity)}
    assert gone == fused


class Stubbed(nn.Module):
    """A network with stubs of its own, one inside a part that is called "module"."""

    def __init__(self) -> None:
        super().__init__()
        self.module = nn.Sequential(QuantStub(), nn.Conv2d(1, 3, 3), nn.ReLU(), DeQuantStub())

    def forward(self, inputs: Tensor) -> Tensor:
        return self.module(inputs).sum(dim=1)  # type: ignore[no-any-return]


def prepared(network: nn.Module, *, fuse: bool) -> nn.Module:
    with silenced():
        module = wrapped(network, fuse=fuse)
        set_qconfig(module, default_qconfig)
        return prepare(module)  # type: ignore[no-any-return]


def test_a_network_with_stubs_is_not_wrapped_again() -> None:
    with silenced():
        assert isinstance(wrapped(Stubbed(), fuse=False), Stubbed)


@pytest.mark.parametrize(
    ("network", "fuse", "name", "layer"),
    [
        (Stubbed(), False, "module.1", "module.1"),
        (Stubbed(), True, "module.1.0", "module.1"),
        (of(a=nn.Conv2d(1, 3, 3), b=nn.ReLU()), False, "module.a", "a"),
        (of(a=nn.Conv2d(1, 3, 3), b=nn.ReLU()), True, "module.a.0", "a"),
    ],
)
def test_a_layer_has_the_name_that_the_user_gave_it(
    network: nn.Module, fuse: bool, name: str, layer: str
) -> None:
    module = prepared(network, fuse=fuse)
    assert isinstance(module.get_submodule(name), nn.Conv2d)
    assert float_name(name, module) == layer


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, tokens: Tensor) -> Tensor:
        mixed: Tensor = self.attention(tokens, tokens, tokens, need_weights=False)[0]
        return mixed


def quantized(model: nn.Module, method: str, shape: tuple[int, ...], folder: Path) -> Artifact:
    samples = np.random.default_rng(0).normal(size=(16, *shape)).astype(np.float32)
    labels = np.zeros(16, np.int64)
    own = Own(network=model, calibration=(samples, labels), test=(samples, labels))
    task = own_task(own, folder / "given")
    return quantize(task, method, settings_for(method), "state_dict", folder / "artifacts")


def test_attention_is_calibrated_and_its_products_are_float(tmp_path: Path) -> None:
    artifact = quantized(Attention(), "static", (4, 8), tmp_path)
    (layer,) = artifact.body.quantized.layers
    assert layer.kind == "MultiheadAttention"
    assert layer.reason == "its products of activations are float32"


@pytest.mark.parametrize("method", ["dynamic", "static"])
def test_a_network_without_layers_to_replace_is_refused(method: str, tmp_path: Path) -> None:
    class Squares(nn.Module):
        def forward(self, inputs: Tensor) -> Tensor:
            return inputs @ inputs.transpose(1, 2)

    with pytest.raises(UnavailableError, match=r"^nothing to quantize: the network has no layer"):
        quantized(Squares(), method, (4, 8), tmp_path)
