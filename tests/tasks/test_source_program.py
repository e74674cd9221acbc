"""Exported programs as others save them: read without unpickling, and made networks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.export import Dim

from quantbench.errors import QuantbenchError
from quantbench.export.module_file import read_module, write_module
from quantbench.system.silence import silenced
from quantbench.tasks.source import load_network

IMAGES = np.random.default_rng(0).normal(size=(3, 1, 8, 8)).astype(np.float32)
NUMBERS = np.random.default_rng(1).normal(size=(3, 4)).astype(np.float32)


class Two(nn.Module):
    """Two inputs, a dictionary of outputs, a tensor that is no parameter, a batch norm."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3)
        self.layer = nn.Linear(4, 3)
        self.scale = torch.tensor([1.0, 2.0, 3.0])

    def forward(self, image: Tensor, numbers: Tensor) -> dict[str, Any]:
        mixed = self.norm(self.conv(image)).mean((2, 3)) + self.layer(numbers) * self.scale
        return {"logits": mixed, "parts": (mixed.view(-1, 3).relu(),)}


def exported(
    path: Path, module: nn.Module, *inputs: np.ndarray, dynamic: bool = True, batch: int = 3
) -> Path:
    """Save a program as a user does."""
    shapes = tuple({0: Dim("batch")} for _ in inputs) if dynamic else None
    with silenced():
        arguments = tuple(torch.from_numpy(array[:batch]) for array in inputs)
        program = torch.export.export(module.eval(), arguments, dynamic_shapes=shapes)
        torch.export.save(program, path)
    return path


def test_a_program_with_several_inputs_and_outputs(tmp_path: Path) -> None:
    module = Two()
    path = exported(tmp_path / "two.pt2", module, IMAGES, NUMBERS)
    network = load_network(path)
    assert [(s.name, s.shape) for s in network.inputs] == [("image", (1, 8, 8)), ("numbers", (4,))]
    assert [(s.name, s.shape) for s in network.outputs] == [("logits", (3,)), ("parts_0", (3,))]
    assert (network.name, network.origin, network.fixed_batch) == ("two", "two.pt2", None)
    inputs = torch.from_numpy(IMAGES), torch.from_numpy(NUMBERS)
    with torch.no_grad():
        expected, found = module(*inputs), network.module()(*inputs)
    assert type(found) is tuple
    assert torch.equal(found[0], expected["logits"])
    assert torch.equal(found[1], expected["parts"][0])
    assert not network.module().training


def test_it_is_a_module_like_others(tmp_path: Path) -> None:
    network = load_network(exported(tmp_path / "two.pt2", Two(), IMAGES, NUMBERS))
    module, inputs = network.module(), (torch.from_numpy(IMAGES), torch.from_numpy(NUMBERS))
    write_module(module, tmp_path)
    again = read_module(tmp_path)
    again.load_state_dict(module.state_dict())
    assert all(map(torch.equal, again(*inputs), module(*inputs)))
    module.train().eval()
    with silenced():
        program = torch.export.export(module, inputs)
    assert torch.equal(program.module()(*inputs)[0], module(*inputs)[0])


def test_the_hash_is_of_the_program_not_of_the_file(tmp_path: Path) -> None:
    module = Two()
    files = [exported(tmp_path / name, module, IMAGES, NUMBERS) for name in ("a.pt2", "b.pt2")]
    assert len({load_network(path).sha256 for path in files}) == 1
    module.layer.bias.data += 1
    third = exported(tmp_path / "c.pt2", module, IMAGES, NUMBERS)
    assert load_network(third).sha256 != load_network(files[0]).sha256


@pytest.mark.parametrize("batch", [1, 3])
def test_a_fixed_batch_is_found(tmp_path: Path, batch: int) -> None:
    network_module = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    path = exported(tmp_path / "n.pt2", network_module, IMAGES, dynamic=False, batch=batch)
    network = load_network(path, example=IMAGES)
    assert network.fixed_batch == batch
    assert f"batches of {batch}" in network.notes[0]
    assert network.outputs[0].shape == (3,)


class Calling(nn.Module):
    def __init__(self, forward: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.does = forward

    def forward(self, x: Tensor) -> Any:
        return self.does(x)


@pytest.mark.parametrize(
    ("forward", "example", "words"),
    [
        (lambda x: x.cumsum(1), None, "aten.cumsum.default' isn't among those admitted"),
        (lambda x: x.argmax(1), None, "aten.argmax.default' isn't among those admitted"),
        (lambda x: x + 1, IMAGES, "takes samples of [4], not [1, 8, 8]; give samples of that"),
        (lambda x: x + 1, (NUMBERS, NUMBERS), "takes 1 inputs (x), the samples have 2"),
        (lambda x: x + 1, {"y": NUMBERS}, "takes the inputs (x), the samples are named (y)"),
        (lambda x: x + 1, NUMBERS.astype(np.int64), "takes float32, but the samples are int64"),
        (lambda x: x / 0, None, "output 'output' is NaN or infinite"),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, forward: Callable[[Tensor], Any], example: Any, words: str
) -> None:
    path = exported(tmp_path / "n.pt2", Calling(forward), NUMBERS)
    with pytest.raises(QuantbenchError) as caught:
        load_network(path, example=example)
    assert words in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_weights_beside_a_program_are_refused(tmp_path: Path) -> None:
    path = exported(tmp_path / "n.pt2", nn.Linear(4, 3), NUMBERS)
    with pytest.raises(QuantbenchError, match="holds its own weights; leave --weights out"):
        load_network(path, weights="w.pt")
