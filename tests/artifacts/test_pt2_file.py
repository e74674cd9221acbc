"""What a .pt2 file may hold, and that nothing in one is unpickled or evaluated."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from quantbench.artifacts.pt2_file import read_program, write_program
from quantbench.errors import ArtifactError, UnavailableError
from quantbench.export.to_program import exported
from tests.networks import network_of

Records = dict[str, bytes]
GRAPH = "models/model.json"
TENSORS = "data/weights/model_weights_config.json"


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Records:
    path = tmp_path_factory.mktemp("program") / "model.pt2"
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(72, 3))
    write_program(path, exported(network.eval(), network_of(network, (1, 8, 8))))
    with zipfile.ZipFile(path) as file:
        return {name.removeprefix("archive/"): file.read(name) for name in file.namelist()}


def archive(path: Path, records: Records, compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in records.items():
            file.writestr(f"archive/{name}", content)
    return path


def edited(name: str, change: Callable[[Any], object]) -> Callable[[Records], None]:
    def edit(records: Records) -> None:
        content = json.loads(records[name])
        change(content)
        records[name] = json.dumps(content).encode()

    return edit


def nodes(graph: Any) -> Any:
    return graph["graph_module"]["graph"]["nodes"]


class Bomb:
    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path("exploded"),)


def pickled() -> bytes:
    buffer = io.BytesIO()
    torch.save(Bomb(), buffer)
    return buffer.getvalue()


def with_pickled_tensor(records: Records) -> None:
    records["data/weights/weight_0"] = pickled()
    edited(TENSORS, lambda c: next(iter(c["config"].values())).update(use_pickle=True))(records)


def with_object(records: Records) -> None:
    records["data/constants/opaque_obj_0"] = pickle.dumps(Bomb())
    entry = {"path_name": "opaque_obj_0", "is_param": False, "use_pickle": True}
    edited("data/constants/model_constants_config.json", lambda c: c["config"].update(x=entry))(
        records
    )


TOUCH = "__import__('pathlib').Path('exploded').touch()"
ATTACKS: dict[str, tuple[Callable[[Records], object], str]] = {
    "sample inputs": (
        lambda r: r.update({"data/sample_inputs/model.pt": pickled()}),
        "pickled sample inputs",
    ),
    "pickled tensor": (with_pickled_tensor, "isn't stored raw"),
    "object": (with_object, "holds 'data/constants/opaque_obj_0'"),
    "legacy weights": (
        lambda r: r.update({"data/weights/model.pt": pickled()}),
        "holds 'data/weights/model.pt'",
    ),
    "compiled library": (
        lambda r: r.update({"data/aotinductor/model/model.so": b"\x7fELF"}),
        "holds 'data/aotinductor",
    ),
    "second model": (lambda r: r.update({"models/other.json": b"{}"}), "holds 'models/other"),
    "guards": (edited(GRAPH, lambda g: g["guards_code"].append(TOUCH)), "holds guards"),
    "operator": (
        edited(GRAPH, lambda g: nodes(g)[0].update(target="torch.hub.load")),
        "operator 'torch.hub.load' isn't among",
    ),
    "operator that reads files": (
        edited(GRAPH, lambda g: nodes(g)[0].update(target="torch.ops.aten.from_file.default")),
        "from_file.default' isn't among",
    ),
    "expression": (
        edited(
            GRAPH,
            lambda g: g["graph_module"]["graph"]["sym_int_values"].update(
                x={"as_expr": {"expr_str": TOUCH, "hint": None}}
            ),
        ),
        "isn't a plain word",
    ),
    "argument name": (
        edited(
            GRAPH,
            lambda g: g["graph_module"]["module_call_graph"][0]["signature"].update(
                forward_arg_names=[f"x={TOUCH}"]
            ),
        ),
        "isn't a plain word",
    ),
    "name of a node": (
        edited(GRAPH, lambda g: nodes(g)[0].update(name=TOUCH)),
        "isn't a plain word",
    ),
    "metadata": (
        edited(GRAPH, lambda g: nodes(g)[0].update(metadata={"custom": TOUCH})),
        "isn't a plain word",
    ),
    "tree of arguments": (
        edited(
            GRAPH,
            lambda g: g["graph_module"]["module_call_graph"][0]["signature"].update(
                in_spec='[1, {"type": "x.Evil", "context": "null", "children_spec": []}]'
            ),
        ),
        "isn't a plain word",
    ),
    "empty tensor": (lambda r: r.update({"data/weights/weight_0": b""}), "is empty"),
    "no graph": (lambda r: r.pop(GRAPH), "not a readable"),
    "no JSON": (lambda r: r.update({GRAPH: b"{"}), "not a readable"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_what_could_run_code_is_refused(
    records: Records, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    attack, why = ATTACKS[name]
    changed = dict(records)
    attack(changed)
    with pytest.raises(ArtifactError, match=why) as caught:
        read_program(archive(tmp_path / "model.pt2", changed))
    assert len(str(caught.value).splitlines()) == 1
    assert not Path("exploded").exists()


def test_what_was_only_packed_again_is_read(records: Records, tmp_path: Path) -> None:
    program = read_program(archive(tmp_path / "model.pt2", records))
    assert program.module()(torch.zeros(5, 1, 8, 8)).shape == (5, 3)


def test_compressed_records_are_refused(records: Records, tmp_path: Path) -> None:
    path = archive(tmp_path / "model.pt2", records, zipfile.ZIP_DEFLATED)
    with pytest.raises(ArtifactError, match="isn't as torch"):
        read_program(path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no archive"])
def test_no_archive(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.pt2"
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match="not a readable"):
        read_program(path)


def test_a_truncated_archive(records: Records, tmp_path: Path) -> None:
    path = archive(tmp_path / "model.pt2", records)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ArtifactError, match="not a readable"):
        read_program(path)


def test_no_path_of_this_machine_is_written(records: Records) -> None:
    assert not any(b".py" in content or b"/lib/" in content for content in records.values())


def test_a_network_of_other_operators_can_not_be_written(tmp_path: Path) -> None:
    class Cumulative(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.cumsum(1)

    model = Cumulative()
    program = exported(model, network_of(model, (3,)))
    with pytest.raises(UnavailableError, match=r"aten\.cumsum\.default' isn't among"):
        write_program(tmp_path / "model.pt2", program)


def test_a_size_that_is_limited_is_admitted(records: Records, tmp_path: Path) -> None:
    size = "Min(Integer(8), Mul(Integer(3), Symbol('s77', positive=True, integer=True)))"
    changed = dict(records)
    edited(
        GRAPH,
        lambda g: g["graph_module"]["graph"]["sym_int_values"].update(
            x={"as_expr": {"expr_str": size, "hint": None}}
        ),
    )(changed)
    program = read_program(archive(tmp_path / "model.pt2", changed))
    assert program.module()(torch.zeros(5, 1, 8, 8)).shape == (5, 3)
