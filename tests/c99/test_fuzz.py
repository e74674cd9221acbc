"""Damaged and hostile files: an error of ours within a second, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from quantbench.artifact import Artifact
from quantbench.c99.importer import import_onnx
from quantbench.errors import ArtifactError, CompileError

METHODS = ("ort_static", "nncf_static", "pt2e_static")
SECONDS = 1.0
_STRUCTURE = 5000
"""Bytes at either end; weights, where a change is harmless, lie between."""


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """One to four changes: a bit, a byte, a cut, a piece left out, doubled or put elsewhere."""
    found = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        size = len(found)
        at = int(rng.integers(size))
        if rng.random() < 0.7:  # where the structure is
            at = min(int(rng.integers(_STRUCTURE)), size - 1)
            at = at if rng.random() < 0.5 else size - 1 - at
        length = int(rng.integers(1, 40))
        match rng.integers(6):
            case 0:
                found[at] ^= 1 << int(rng.integers(8))
            case 1:
                found[at] = int(rng.integers(256))
            case 2 if rng.random() < 0.2:
                del found[at:]
            case 3:
                del found[at : at + length]
            case 4:
                found[at:at] = found[at : at + length]
            case _:
                to = int(rng.integers(size))
                found[to : to + length] = found[at : at + length]
        if not found:
            break
    return bytes(found)


def survives(data: bytes, path: Path) -> bool:
    """Whether it was imported all the same."""
    path.write_bytes(data)
    begun = time.process_time()
    reason = ""
    try:
        import_onnx(path)
    except (CompileError, ArtifactError) as error:
        reason = str(error)
    assert time.process_time() - begun < SECONDS
    assert len(reason.splitlines()) <= 1, reason
    return not reason


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("count", [150, pytest.param(4000, marks=pytest.mark.slow)])
def test_mutated_files(
    artifacts: Callable[[str, str, str], Artifact], tmp_path: Path, method: str, count: int
) -> None:
    data = (artifacts("lenet", method, "onnx").folder / "model.onnx").read_bytes()
    rng = np.random.default_rng(count)
    outcomes = {survives(mutated(data, rng), tmp_path / "model.onnx") for _ in range(count)}
    assert outcomes == {True, False}


@pytest.mark.parametrize("method", METHODS)
def test_truncated_files(
    artifacts: Callable[[str, str, str], Artifact], tmp_path: Path, method: str
) -> None:
    data = (artifacts("lenet", method, "onnx").folder / "model.onnx").read_bytes()
    for size in np.linspace(0, len(data) - 1, 60).astype(int).tolist():
        assert not survives(data[:size], tmp_path / "model.onnx")
