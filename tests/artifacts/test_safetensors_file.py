"""Files of safetensors, written here by hand: read, or refused in one line."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from quantbench.artifacts.safetensors_file import read_safetensors
from quantbench.errors import ArtifactError


def entry(dtype: str, shape: list[int], begin: int, end: int) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def packed(header: object, data: bytes) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


GOOD = packed(
    {
        "__metadata__": {"format": "pt"},
        "b.weight": entry("F32", [2, 2], 0, 16),
        "a": entry("I64", [], 16, 24),
        "flag": entry("BOOL", [3], 24, 27),
        "half": entry("BF16", [1], 27, 29),
        "none": entry("F16", [0, 4], 29, 29),
    },
    struct.pack("<4f", 1, -2, 3.5, 4) + struct.pack("<q", -7) + b"\1\0\1" + b"\x80\x3f",
)


def read(folder: Path, content: bytes) -> dict[str, torch.Tensor]:
    path = folder / "w.safetensors"
    path.write_bytes(content)
    return read_safetensors(path)


def test_bytes_written_by_hand_are_read(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD)
    assert list(found) == ["b.weight", "a", "flag", "half", "none"]
    assert torch.equal(found["b.weight"], torch.tensor([[1, -2], [3.5, 4]]))
    assert torch.equal(found["a"], torch.tensor(-7))
    assert found["flag"].tolist() == [True, False, True]
    assert torch.equal(found["half"], torch.ones(1, dtype=torch.bfloat16))
    assert (found["none"].shape, found["none"].dtype) == ((0, 4), torch.float16)


def test_a_file_without_tensors_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, packed({}, b"")) == {}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "header is missing, cut off or too long"),
        (b"\x05\0\0\0\0\0\0\0{}", "header is missing, cut off or too long"),
        (struct.pack("<Q", 1 << 62) + b"{}", "header is missing, cut off or too long"),
        (packed(b"{nonsense", b""), "its header is no JSON"),
        (packed(b"\xff\xff", b""), "its header is no JSON"),
        (packed(b"[" * 100_000, b""), "its header is no JSON"),
        (packed([], b""), "its header is wrong at 'the top'"),
        (packed({"a": {"dtype": "F32"}}, b""), "its header is wrong at 'a.shape'"),
        (packed({"a": entry("F32", [1], 0, 4) | {"x": 1}}, bytes(4)), "wrong at 'a.x'"),
        (packed(b'{"a": 1, "a": 2}', b""), "its header has a name twice"),
        (packed({"a": entry("F8_E5M2", [1], 0, 1)}, b"x"), "'a' is of dtype 'F8_E5M2'"),
        (packed({"a": entry("U8", [-1], 0, 1)}, b"x"), "'a' has a negative size"),
        (packed({"a": entry("F32", [2], 0, 4)}, bytes(4)), "are not where they belong"),
        (packed({"a": entry("F32", [1], 4, 8)}, bytes(8)), "are not where they belong"),
        (
            packed({"a": entry("U8", [2], 0, 2), "b": entry("U8", [2], 1, 3)}, bytes(3)),
            "tensor 'b' are not where they belong",
        ),
        (packed({"a": entry("U8", [2], 0, 2)}, bytes(3)), "3 bytes of data, its header says 2"),
        (packed({"a": entry("U8", [9], 0, 9)}, bytes(3)), "3 bytes of data, its header says 9"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(ArtifactError) as caught:
        read(tmp_path, content)
    message = str(caught.value)
    assert words in message
    assert message.startswith(f"{tmp_path / 'w.safetensors'} is no safetensors file: ")
    assert len(message.splitlines()) == 1


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="can't be read: No such file"):
        read_safetensors(tmp_path / "w.safetensors")


@given(content=st.binary(min_size=1, max_size=8), place=st.integers(0, len(GOOD)))
def test_damage_is_refused_or_read(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, place: int
) -> None:
    data = bytearray(GOOD)
    data[place : place + len(content)] = content
    try:
        found = read(tmp_path_factory.mktemp("damaged"), bytes(data))
    except ArtifactError:
        return
    assert all(isinstance(tensor, torch.Tensor) for tensor in found.values())
