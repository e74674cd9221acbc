from __future__ import annotations

import io
import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from quantbench.artifacts.state_file import read_state, write_state
from quantbench.errors import ArtifactError

STATE = {"weight": torch.arange(6.0).reshape(2, 3), "inner": {"a": [1, "b", None]}}


class Malicious:
    """Unpickling it makes a folder."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.mark),)


def refused(path: Path) -> str:
    with pytest.raises(ArtifactError) as caught:
        read_state(path)
    message = str(caught.value)
    assert str(path) in message
    assert len(message.splitlines()) == 1
    assert "weights_only" not in message
    assert "trust" not in message
    return message


def test_a_state_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "state.pt"
    write_state(path, STATE)
    found = read_state(path)
    assert found.keys() == STATE.keys()
    assert torch.equal(found["weight"], STATE["weight"])
    assert found["inner"] == STATE["inner"]


def test_the_name_of_the_file_is_not_in_its_bytes(tmp_path: Path) -> None:
    for name in ("one.pt", "another.pt"):
        write_state(tmp_path / name, STATE)
    assert (tmp_path / "one.pt").read_bytes() == (tmp_path / "another.pt").read_bytes()


@pytest.mark.parametrize("form", ["torch", "torch, old", "pickle", "nested"])
def test_a_malicious_pickle_is_refused_and_not_executed(tmp_path: Path, form: str) -> None:
    mark, path = tmp_path / "mark", tmp_path / "state.pt"
    bad = Malicious(mark)
    if form == "pickle":
        path.write_bytes(pickle.dumps(bad))
    elif form == "nested":
        torch.save({"weight": torch.zeros(2), "more": [bad]}, path)
    else:
        torch.save(bad, path, _use_new_zipfile_serialization=form == "torch")
    refused(path)
    assert not mark.exists()
    torch.load(path, weights_only=False) if form != "pickle" else pickle.loads(path.read_bytes())  # noqa: S301
    assert mark.exists()  # it would have been executed


def written() -> bytes:
    buffer = io.BytesIO()
    torch.save(STATE, buffer)
    return buffer.getvalue()


def zipped(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", b"not a state", written()[:-1], written()[:100], written()[:1500], b"PK\x03\x04",
     zipped("archive/data.pkl", b""), zipped("archive/data.pkl", b"\x80\x02."),
     zipped("other.txt", b"hello"), pickle.dumps(b"x")[:-1], b"\x80\x02}q\x00.", b"\x80\x02K\x01."],
    ids=range(12),
)  # fmt: skip
def test_what_is_no_state_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "state.pt"
    path.write_bytes(content)
    refused(path)


@pytest.mark.parametrize("what", [[1, 2], torch.zeros(3), 5])
def test_a_file_that_holds_something_else_is_refused(tmp_path: Path, what: object) -> None:
    path = tmp_path / "state.pt"
    torch.save(what, path)
    assert "holds no state_dict" in refused(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "state.pt")


@given(content=st.binary(max_size=200), place=st.integers(0, 3000), whole=st.booleans())
def test_damage_is_refused_or_read(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, place: int, whole: bool
) -> None:
    """Bytes put over a state, or in its place: an ArtifactError or a dict, and nothing else."""
    path = tmp_path_factory.mktemp("damaged") / "state.pt"
    state = bytearray() if whole else bytearray(written())
    state[place : place + len(content)] = content
    path.write_bytes(state)
    try:
        found = read_state(path)
    except ArtifactError:
        return
    assert isinstance(found, dict)
