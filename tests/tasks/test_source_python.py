"""Networks and tasks from Python code that a user names."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from quantbench.errors import QuantbenchError
from quantbench.tasks.source import load_network
from quantbench.tasks.source_python import build_module, is_python, load_task

X = np.ones((2, 4), np.float32)
CODE = """
from torch import nn
from sibling import WIDTH

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, WIDTH)

    def forward(self, x):
        return self.layer(x)

def build():
    return Net()

net = Net()

def pair():
    return Net(), 3

def wide(width, depth=2):
    return Net()

def broken():
    return Net().missing

text = "hello"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, with a file of networks; imports are forgotten afterwards."""
    before, places = set(sys.modules), list(sys.path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets.py").write_text(CODE)
    (tmp_path / "sibling.py").write_text("WIDTH = 3\n")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").touch()
    (tmp_path / "package" / "inner.py").write_text(CODE)
    yield tmp_path
    sys.path[:] = places
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in ("nets", "sibling", "package") or "quantbench_file" in name:
            del sys.modules[name]


@pytest.mark.parametrize("source", ["nets:build", "nets.py:build", "package.inner:build",
                                    "package/inner.py:build", "nets:Net", "nets:net"])  # fmt: skip
def test_a_network_is_built_by_name_or_file(folder: Path, source: str) -> None:
    network = load_network(source, example=X)
    assert type(network.module()).__name__ == "Net"
    assert network.name == "Net"
    assert network.origin == source
    assert network.notes == (f"no weights were given: measured as {source} returns it",)
    assert [path.name for path in network.sources] == [
        "inner.py" if "inner" in source else "nets.py"
    ]


def test_the_place_of_a_file_is_not_in_the_hash(folder: Path) -> None:
    hashes = {load_network(s, example=X).sha256 for s in ("nets:build", "nets.py:build")}
    (folder / "deep").mkdir()
    (folder / "deep" / "nets.py").write_text(CODE)
    hashes.add(load_network("deep/nets.py:build", example=X).sha256)
    assert len(hashes) == 1
    (folder / "other").mkdir()
    (folder / "other" / "nets.py").write_text(CODE + "# changed\n")
    assert load_network("other/nets.py:build", example=X).sha256 not in hashes


def test_each_call_draws_the_same_and_leaves_the_random_state(folder: Path) -> None:
    state = torch.get_rng_state()
    first, second = build_module("nets:build"), build_module("nets:build")
    assert torch.equal(first.layer.weight, second.layer.weight)
    assert torch.equal(torch.get_rng_state(), state)


def test_weights_are_loaded(folder: Path) -> None:
    state = {"layer.weight": torch.full((3, 4), 2.0), "layer.bias": torch.ones(3)}
    torch.save({"state_dict": {f"model.{k}": v for k, v in state.items()}}, "best.ckpt")
    network = load_network("nets:build", "best.ckpt", X)
    assert network.origin == "nets:build with best.ckpt"
    assert network.notes == (
        "the weights were taken from 'state_dict' in best.ckpt",
        "'model.' was taken off the names of all weights",
    )
    assert network.module()(torch.ones(1, 4)).tolist() == [[9, 9, 9]]


def refused(source: str) -> str:
    with pytest.raises(QuantbenchError) as caught:
        load_network(source, example=X)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("nets:pair", "nets:pair returns a tuple; let it return the nn.Module alone"),
        ("nets:wide", "nets:wide takes arguments (width); write a function without any"),
        ("nets:broken", "nets:broken failed at "),
        ("nets:bulid", "unknown callable of nets 'bulid'; did you mean 'build'?"),
        ("nets:text", "nets:text is a str, which can't be called"),
        ("absent:build", "absent can't be imported: ModuleNotFoundError: No module named 'absent'"),
        ("absent.py:build", "there is no file absent.py"),
        ("nets.py", "nets.py names no network in it; give nets.py:callable"),
    ],
)
def test_what_gives_no_network_is_refused(folder: Path, source: str, words: str) -> None:
    assert words in refused(source)


def test_errors_say_file_and_line(folder: Path) -> None:
    assert f"at {folder / 'nets.py'}:25: AttributeError" in refused("nets.py:broken")
    (folder / "bad.py").write_text("x = 1\nimport nowhere_at_all\n")
    assert f"bad.py can't be imported at {folder / 'bad.py'}:2: ModuleNotFound" in refused(
        "bad.py:f"
    )
    (folder / "wrong.py").write_text("x = 1\ndef f(:\n")
    assert f"{folder / 'wrong.py'}:2: SyntaxError" in refused("wrong.py:f")
    assert refused("wrong.py:f") == refused("wrong.py:f")


def test_python_is_told_from_files() -> None:
    assert [is_python(s) for s in ("a.b:c", "f.py", "f.py:g", "d/f.py:g")] == [True] * 4
    assert [is_python(s) for s in ("model.onnx", "a:b.onnx", "lenet", ":x")] == [False] * 4


TASKS = """
from quantbench.tasks.task import Task
from tests import tiny

def helper():
    return 3

def {name}(){annotation}:
    return {result}
"""


@pytest.mark.parametrize(
    ("name", "annotation", "source"),
    [
        ("task", "", "my_task.py"),
        ("mine", " -> Task", "my_task.py"),
        ("mine", " -> 'Task'", "my_task.py"),
        ("mine", "", "my_task.py:mine"),
    ],
)
def test_a_task_file(folder: Path, name: str, annotation: str, source: str) -> None:
    code = TASKS.format(name=name, annotation=annotation, result="tiny.task()")
    (folder / "my_task.py").write_text(code)
    assert type(load_task(source)).__name__ == "Task"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (TASKS.format(name="mine", annotation="", result="3"), "(no function does)"),
        (TASKS.format(name="task", annotation="", result="3"), "returns a int; let it return"),
        (
            TASKS.format(name="a", annotation=" -> Task", result="3")
            + TASKS.format(name="b", annotation=" -> Task", result="3"),
            "(a, b all return one)",
        ),
        ("def task():\n    return 1 / 0\n", "my_task.py:2: ZeroDivisionError"),
    ],
)
def test_other_files_are_no_task_files(folder: Path, code: str, words: str) -> None:
    (folder / "my_task.py").write_text(code)
    with pytest.raises(QuantbenchError) as caught:
        load_task("my_task.py")
    assert words in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
