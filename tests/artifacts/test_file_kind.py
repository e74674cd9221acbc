from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from quantbench.artifacts.file_kind import file_kind, require_kind
from quantbench.artifacts.onnx_file import smallest
from quantbench.errors import ArtifactError


def saved(content: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return buffer.getvalue()


def arrays() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, x=np.zeros(2))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (smallest(8, 13), "ONNX"),
        (saved(nn.Linear(2, 2).state_dict()), "state_dict"),
        (zipped("archive/models/model.json", "archive/version"), "exported program"),
        (zipped("net/code/__torch__.py", "net/constants.pkl", "net/data.pkl"), "TorchScript"),
        (zipped("readme.txt"), "zip archive"),
        (arrays(), "NumPy arrays"),
        (pickle.dumps([1]), "pickle"),
        (b"\x1c\0\0\0TFL3" + bytes(20), "TensorFlow Lite"),
        (b"\x1c\0\0\0ET12" + bytes(20), "ExecuTorch"),
        (b"\x02\0\0\0\0\0\0\0{}", "safetensors"),
        (b"\x89HDF\r\n\x1a\n", "HDF5 (Keras)"),
        (b"hello", "unknown"),
    ],
)
def test_a_kind_is_told_by_content(tmp_path: Path, content: bytes, kind: str) -> None:
    path = tmp_path / "file.onnx"
    path.write_bytes(content)
    assert file_kind(path) == kind
    if kind == "ONNX":
        assert require_kind(path) == kind
    else:
        with pytest.raises(ArtifactError, match=r"is not what its name says \(ONNX\)"):
            require_kind(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty; make or download it again"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "run 'git lfs pull'"),
        (b"PK\x03\x04 cut off", "is a damaged or incomplete archive"),
    ],
)
def test_what_is_no_file_of_any_kind_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "file.pt2"
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match=words) as caught:
        file_kind(path)
    assert len(str(caught.value).splitlines()) == 1


def test_a_folder_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="is a folder; name a file"):
        file_kind(tmp_path)
    with pytest.raises(ArtifactError, match="can't be read: No such file"):
        file_kind(tmp_path / "x.onnx")


def test_a_name_that_promises_nothing_is_not_held_against_a_file(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(saved({}))
    assert require_kind(path) == "state_dict"
