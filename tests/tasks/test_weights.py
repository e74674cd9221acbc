from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from quantbench.errors import ArtifactError, NetworkError, QuantbenchError
from quantbench.tasks.weights import load_weights


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Linear(4, 3))


def filled() -> dict[str, Tensor]:
    torch.manual_seed(3)
    return dict(network().state_dict())


def saved(folder: Path, content: object) -> Path:
    path = folder / "w.pt"
    torch.save(content, path)
    return path


def prefixed(prefix: str) -> dict[str, Tensor]:
    return {f"{prefix}{name}": tensor for name, tensor in filled().items()}


@pytest.mark.parametrize(
    ("content", "notes"),
    [
        (filled, ()),
        (lambda: {"state_dict": filled(), "epoch": 3}, ("'state_dict' in w.pt",)),
        (lambda: {"model": filled(), "optimizer": {"a": 1}}, ("'model' in w.pt",)),
        (lambda: prefixed("module."), ("'module.' was taken off",)),
        (lambda: prefixed("_orig_mod.module."), ("'_orig_mod.' was", "'module.' was")),
        (lambda: {"state_dict": prefixed("model.")}, ("'state_dict'", "'model.' was taken off")),
    ],
    ids=["plain", "state_dict", "model", "DataParallel", "compiled", "Lightning"],
)
def test_weights_are_loaded_and_mends_are_said(
    tmp_path: Path, content: Callable[[], object], notes: tuple[str, ...]
) -> None:
    module = network()
    said = load_weights(module, saved(tmp_path, content()))
    assert len(said) == len(notes)
    assert all(words in sentence for words, sentence in zip(notes, said, strict=True))
    assert all(torch.equal(filled()[name], t) for name, t in module.state_dict().items())


def test_a_prefix_that_the_network_has_itself_stays(tmp_path: Path) -> None:
    module = nn.ModuleDict({"module": network()})
    assert load_weights(module, saved(tmp_path, prefixed("module."))) == ()


def test_safetensors_are_loaded(tmp_path: Path) -> None:
    module = nn.Linear(2, 1)
    header = json.dumps(
        {
            "weight": {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]},
            "bias": {"dtype": "F32", "shape": [1], "data_offsets": [8, 12]},
        }
    ).encode()
    path = tmp_path / "w.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + struct.pack("<3f", 1, 2, 3))
    assert load_weights(module, path) == ()
    assert (module.weight.tolist(), module.bias.tolist()) == ([[1, 2]], [3])


def test_counts_of_batches_may_be_missing(tmp_path: Path) -> None:
    state = {name: t for name, t in filled().items() if "num_batches" not in name}
    assert load_weights(network(), saved(tmp_path, state)) == ()


def refused(path: Path) -> str:
    before = network()
    with pytest.raises(QuantbenchError) as caught:
        load_weights(before, path)
    message = str(caught.value)
    assert str(path) in message
    assert len(message.splitlines()) == 1
    return message


def test_names_and_shapes_that_do_not_fit_are_named(tmp_path: Path) -> None:
    state = filled()
    state["0.weight"] = torch.zeros(2, 1, 5, 5)
    state["head.bias"] = state.pop("2.bias")
    del state["1.weight"], state["1.bias"], state["1.running_mean"], state["1.running_var"]
    assert refused(saved(tmp_path, state)) == (
        f"{tmp_path / 'w.pt'} doesn't fit Sequential: 5 missing (1.weight, 1.bias, "
        "1.running_mean, ...); 1 unexpected (head.bias); 1 of another shape "
        "(0.weight [2, 1, 5, 5], not [2, 1, 3, 3]); give the weights of this network"
    )
    with pytest.raises(NetworkError):
        load_weights(network(), tmp_path / "w.pt")


def test_a_pickled_module_is_refused_and_not_executed(tmp_path: Path) -> None:
    message = refused(saved(tmp_path, network()))
    assert message.endswith("; save model.state_dict() with torch.save and give that file")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"epoch": 3, "loss": 0.5}, "holds no state_dict, but 'epoch', 'loss'; save"),
        ([1, 2], "holds no state_dict; save model.state_dict()"),
        ({"state_dict": {"a": 1}}, "holds no state_dict, but 'state_dict'; save"),
    ],
)
def test_a_file_without_weights_is_refused(tmp_path: Path, content: object, words: str) -> None:
    assert words in refused(saved(tmp_path, content))


def test_files_of_other_kinds_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.bin"
    path.write_bytes(b"hello")
    assert "holds no weights that can be loaded (unknown); save" in refused(path)
    wrong = tmp_path / "w.safetensors"
    torch.save(filled(), wrong)
    with pytest.raises(ArtifactError, match="not what its name says"):
        load_weights(network(), wrong)
