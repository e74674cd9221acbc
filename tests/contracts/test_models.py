"""Every file of models/."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from quantbench import plugins
from quantbench.tasks.layers import layers
from quantbench.tasks.records import Layer

pytestmark = pytest.mark.parametrize("name", plugins.names("models"))


def built(name: str, seed: int = 0) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return plugins.model(name).build().eval()


def described(name: str) -> tuple[Layer, ...]:
    return layers(built(name), plugins.model(name).INPUT_SHAPE)


def test_it_takes_its_input_and_gives_ten_logits(name: str) -> None:
    model = built(name)
    for count in (1, 3):
        with torch.inference_mode():
            logits = model(torch.rand(count, *plugins.model(name).INPUT_SHAPE))
        assert logits.shape == (count, 10)
        assert logits.dtype == torch.float32
        assert logits.isfinite().all()


def test_it_takes_the_input_that_the_data_gives(name: str) -> None:
    assert plugins.model(name).INPUT_SHAPE == (1, 32, 32)


def test_a_seed_fixes_the_weights(name: str) -> None:
    one, same, other = (built(name, seed).state_dict() for seed in (3, 3, 4))
    assert one.keys() == same.keys()
    assert all(torch.equal(one[key], same[key]) for key in one)
    assert any(not torch.equal(one[key], other[key]) for key in one)


def test_each_build_is_a_network_of_its_own(name: str) -> None:
    one, other = built(name), built(name)
    with torch.no_grad():
        for parameter in one.parameters():
            parameter.zero_()
    assert any(parameter.any() for parameter in other.parameters())


def test_its_layers_hold_all_parameters_and_some_multiply_adds(name: str) -> None:
    found = described(name)
    model = built(name)
    assert sum(layer.parameters for layer in found) == sum(p.numel() for p in model.parameters())
    multiplying = [layer for layer in found if layer.kind in ("Conv2d", "Linear")]
    assert all(layer.macs > 0 for layer in multiplying)
    assert {layer.name for layer in found if layer.parameters} <= {m.name for m in multiplying}
    assert found[-1].output_shape == (10,)


def test_eval_mode_is_a_function_of_the_input(name: str) -> None:
    model = built(name)
    inputs = torch.rand(2, *plugins.model(name).INPUT_SHAPE)
    with torch.inference_mode():
        assert torch.equal(model(inputs), model(inputs))
