"""Modules as JSON without code: what comes back gives equal outputs, and nothing else is run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from quantbench.errors import ArtifactError, UnavailableError
from quantbench.export.module_file import FILE, read_module, write_module
from quantbench.export.module_names import LAYERS
from tests.export import modules


@pytest.mark.parametrize("name", sorted(modules.ALL))
def test_a_module_comes_back_with_equal_outputs(tmp_path: Path, name: str) -> None:
    torch.manual_seed(0)
    module, inputs = modules.ALL[name]()
    module = module.eval()
    write_module(module, tmp_path)
    again = read_module(tmp_path)
    again.load_state_dict(module.state_dict())
    with torch.no_grad():
        expected, found = module(*inputs), again(*inputs)
    assert_equal(found, expected)
    assert again.state_dict().keys() == module.state_dict().keys()
    layers = {key: type(part) for key, part in module.named_modules() if type(part) in KINDS}
    parts = dict(again.named_modules())
    assert {key: type(parts[key]) for key in layers} == layers
    assert not any(part.training for part in again.modules())


KINDS = set(LAYERS.values())


def assert_equal(found: Any, expected: Any) -> None:
    """The same structure of tensors, bit for bit."""
    if isinstance(expected, Tensor):
        assert torch.equal(found, expected)
    elif isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            assert_equal(found[key], value)
    else:
        assert type(found) is type(expected)
        for one, two in zip(found, expected, strict=True):
            assert_equal(one, two)


def test_the_file_is_the_same_each_time_and_again_from_what_was_read(tmp_path: Path) -> None:
    module, _ = modules.ALL["squeeze and excite"]()
    texts = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_module(module, tmp_path / folder)
        texts.append((tmp_path / folder / FILE).read_bytes())
        module = read_module(tmp_path / folder)
    assert json.loads(texts[0])["nodes"] == json.loads(texts[1])["nodes"]


def test_the_module_stays_as_it_was(tmp_path: Path) -> None:
    module, _ = modules.ALL["constant"]()
    names = set(vars(module))
    module.train()
    write_module(module, tmp_path)
    assert module.training
    assert set(vars(module)) == names


def test_the_random_state_stays_as_it_was(tmp_path: Path) -> None:
    module, _ = modules.ALL["attention"]()
    before = torch.get_rng_state()
    write_module(module, tmp_path)
    read_module(tmp_path)
    assert torch.equal(torch.get_rng_state(), before)


class Calling(nn.Module):
    def __init__(self, forward: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.does = forward

    def forward(self, x: Tensor) -> Any:
        return self.does(x)


@pytest.mark.parametrize(
    ("forward", "words"),
    [
        (lambda x: torch.fft.fft(x), "calls torch._C._fft.fft_fft, which isn't on the list"),
        (lambda x: x.backward(), "node 'backward' is of the kind call_method with 'backward'"),
        (lambda x: x.numpy(), "with 'numpy', not on the list"),
        (lambda x: x if x.sum() > 0 else -x, "torch.fx can't trace Calling: TraceError"),
        (lambda x: list(x), "torch.fx can't trace Calling: TraceError"),
        (lambda x: x.data, "node 'getattr_1' reads an attribute that isn't on the list"),
        (lambda x: torch.load(x), "can't trace Calling"),
    ],
)
def test_what_can_not_be_written_is_named(
    tmp_path: Path, forward: Callable[[Tensor], Any], words: str
) -> None:
    with pytest.raises(UnavailableError) as caught:
        write_module(Calling(forward), tmp_path)
    message = str(caught.value)
    assert words in message
    assert message.startswith("the network can't be rebuilt in another process: ")
    assert len(message.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_layer_that_its_constructor_does_not_give_is_refused(tmp_path: Path) -> None:
    layer = nn.Linear(3, 2)
    layer.register_buffer("scale", torch.ones(2))
    with pytest.raises(UnavailableError, match="'0' is a Linear with settings or weights that"):
        write_module(nn.Sequential(layer), tmp_path)


def written(folder: Path) -> dict[str, Any]:
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3))
    write_module(module, folder)
    content: dict[str, Any] = json.loads((folder / FILE).read_text())
    return content


def changed(content: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    *parents, last = path.split(".")
    place: Any = content
    for part in parents:
        place = place[int(part) if part.isdigit() else part]
    place[int(last) if last.isdigit() else last] = value
    return content


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("layers.0.kind", "Module", "layer '0' is a 'Module', not on the list"),
        ("layers.0.settings", {"in_channels": 1}, "layer '0' has other settings than a Conv2d"),
        ("layers.0.settings.in_channels", "x", "describes no module"),
        ("layers.0.settings.out_channels", 1 << 40, "more than 8,589,934,592 values"),
        ("layers.0.name", "forward", "describes no module"),
        ("layers.1", {"name": "1", "same_as": "9"}, "describes no module"),
        ("layers.1", {"name": "1", "kind": "ReLU", "code": "x"}, "Extra inputs"),
        ("nodes.1.op", "call_code", "is no module file"),
        ("nodes.1.op", "call_function", "with '0', not on the list"),
        ("nodes.1.target", "7", "describes no module"),
        ("nodes.1.target", "0; import os", "with '0; import os', not on the list"),
        ("nodes.1.name", "import", "a name that is no identifier"),
        ("nodes.1.kwargs", {"a b": 1}, "a name that is no identifier"),
        ("nodes.1.args", [{"node": "nowhere"}], "describes no module: KeyError"),
        ("nodes.1.args", [{"special": "system"}], "describes no module: KeyError"),
        ("nodes.0.target", "x=print(1)", "not on the list"),
        ("nodes.4.name", "input_1", "two nodes are called 'input_1'"),
        ("nodes", [], "its one output isn't its last node"),
        ("version", 2, "is no module file (version"),
        (
            "nodes.1",
            {"name": "a", "op": "call_function", "target": "getattr",
             "args": [{"node": "input_1"}, "__class__"]},
            "reads an attribute that isn't on the list",
        ),
        (
            "nodes.1",
            {"name": "a", "op": "call_function", "target": "os.system", "args": ["true"]},
            "with 'os.system', not on the list",
        ),
        (
            "tensors",
            [{"name": "c", "kind": "constant", "dtype": "float32", "shape": [2], "values": "AA=="}],
            "describes no module: ValueError: the values of 'c' don't fill its shape",
        ),
        ("tensors", [{"name": "c", "kind": "buffer", "dtype": "load", "shape": [2]}], "KeyError"),
        ("tensors", [{"name": "_modules", "kind": "buffer", "dtype": "bool", "shape": []}], "c"),
    ],
)  # fmt: skip
def test_a_file_that_was_edited_is_refused(
    tmp_path: Path, path: str, value: object, words: str
) -> None:
    content = changed(written(tmp_path), path, value)
    (tmp_path / FILE).write_text(json.dumps(content))
    with pytest.raises(ArtifactError) as caught:
        read_module(tmp_path)
    message = str(caught.value)
    assert words in message
    assert str(tmp_path / FILE) in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff", b'{"nodes": 1}'])
def test_what_is_no_module_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(ArtifactError, match="is no module file"):
        read_module(tmp_path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="can't be read: No such file"):
        read_module(tmp_path)


@given(content=st.binary(min_size=1, max_size=4), place=st.integers(0, 2000))
def test_damage_is_refused_or_read(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, place: int
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    written(folder)
    text = bytearray((folder / FILE).read_bytes())
    text[place : place + len(content)] = content
    (folder / FILE).write_bytes(text)
    try:
        module = read_module(folder)
    except ArtifactError:
        return
    assert isinstance(module, nn.Module)


def test_functional_forms_are_written(tmp_path: Path) -> None:
    module = Calling(lambda x: F.pad(F.relu(x[..., 1:]), (1, 2), value=-float("inf"))).eval()
    write_module(module, tmp_path)
    x = torch.randn(2, 5)
    assert torch.equal(read_module(tmp_path)(x), module(x))
