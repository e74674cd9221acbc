"""Tell what a file holds from its first bytes, whatever its name says."""

from __future__ import annotations

import zipfile
from pathlib import Path

from quantbench.errors import ArtifactError
from quantbench.system.files import read_plain

_HEAD = 64
_LFS = b"version https://git-lfs"
_MAGIC = (
    (0, b"\x89HDF\r\n", "HDF5 (Keras)"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"\x93NUMPY", "NumPy array"),
    (0, b"<?xml", "XML (OpenVINO's, perhaps)"),
    (0, b"\x80", "pickle"),
    (4, b"TFL3", "TensorFlow Lite"),
    (4, b"ET12", "ExecuTorch"),
    (8, b"{", "safetensors"),
    (0, b"\x08", "ONNX"),
)
"""Offset, bytes there -> kind of file; the first that fits counts."""
_SUFFIXES = {
    ".onnx": "ONNX",
    ".pt2": "exported program",
    ".tflite": "TensorFlow Lite",
    ".safetensors": "safetensors",
}
"""Ending of a name -> the kind of file that it promises."""


def file_kind(path: Path) -> str:
    """The kind of a file, such as "ONNX", "state_dict" or "unknown", from its content.

    Raises ArtifactError for a file that can't be read, is empty, a folder or a git-lfs pointer.
    """
    if path.is_dir():
        raise ArtifactError(f"{path} is a folder; name a file")
    try:
        head = read_plain(path, _HEAD)
    except OSError as error:
        raise ArtifactError(f"{path} can't be read: {error.strerror or error}") from error
    if not head:
        raise ArtifactError(f"{path} is empty; make or download it again")
    if head.startswith(_LFS):
        raise ArtifactError(f"{path} is a pointer of git-lfs, not the file; run 'git lfs pull'")
    if head.startswith(b"PK\x03\x04"):
        return _kind_of_archive(path)
    fitting = (
        kind for offset, magic, kind in _MAGIC if head[offset : offset + len(magic)] == magic
    )
    return next(fitting, "unknown")


def require_kind(path: Path) -> str:
    """The kind of a file, which must be the one that its name promises. Raises ArtifactError."""
    kind = file_kind(path)
    promised = _SUFFIXES.get(path.suffix.lower())
    if promised and kind != promised:
        holds = "holds something else" if kind == "unknown" else f"holds: {kind}"
        raise ArtifactError(
            f"{path} is not what its name says ({promised}): it {holds}; give the right file"
        )
    return kind


def _kind_of_archive(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise ArtifactError(f"{path} is a damaged or incomplete archive; make it again") from error
    parts = {tuple(name.split("/")[1:]) for name in names}
    if any(part[:1] == ("models",) for part in parts):
        return "exported program"
    if ("constants.pkl",) in parts:
        return "TorchScript"
    if ("data.pkl",) in parts:
        return "state_dict"
    if names and all(name.endswith(".npy") for name in names):
        return "NumPy arrays"
    return "zip archive"
