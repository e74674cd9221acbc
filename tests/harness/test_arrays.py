"""Arrays in files: read as numpy reads them, by any thread."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

from quantbench.harness.arrays import read_array, read_arrays, write_array, write_batches

ARRAYS = (
    np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    np.arange(5, dtype=np.int64),
    np.array([True, False]),
    np.arange(6, dtype=np.uint8).reshape(3, 2).T,
    np.arange(4, dtype=np.float16),
    np.zeros((0, 3), np.float32),
)


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{array.shape}")
def test_an_array_is_read_as_numpy_reads_it(tmp_path: Path, array: np.ndarray) -> None:
    write_array(tmp_path / "a.npy", array)
    np.save(tmp_path / "b.npy", np.ascontiguousarray(array))
    for name in "a.npy", "b.npy":
        read = read_array(tmp_path / name)
        assert read.dtype == array.dtype
        np.testing.assert_array_equal(read, np.load(tmp_path / name))
        np.testing.assert_array_equal(read, array)


def test_reading_needs_no_parser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In Python 3.11 a thread that parses breaks the parsing of another."""
    write_batches(tmp_path, "y", [(ARRAYS[0], ARRAYS[0])], 2)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("parsed")

    monkeypatch.setattr(ast, "parse", refuse)
    assert [array.shape for array in read_arrays(tmp_path, "y")] == [(2, 3, 4)] * 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: whole[:-1],
        lambda whole: whole + b"0",
        lambda whole: whole[:40],
        lambda whole: whole[:0],
        lambda whole: whole.replace(b"<f4", b"|O8"),
        lambda whole: whole.replace(b"'fortran_order': False", b"'fortran_order': True "),
        lambda whole: whole.replace(b"(2, 3, 4), }", b"(2, 3, 9**9)}"),
        lambda whole: whole.replace(b"(2, 3, 4), }        ", b"(2, 3, 4000000000), }"),
    ],
    ids=["cut", "longer", "header", "empty", "objects", "fortran", "expression", "huge"],
)
def test_a_damaged_file_is_refused(tmp_path: Path, damage: object) -> None:
    assert callable(damage)
    file = tmp_path / "a.npy"
    write_array(file, ARRAYS[0])
    whole = file.read_bytes()
    assert damage(whole) != whole
    file.write_bytes(damage(whole))
    with pytest.raises(ValueError, match=r"a\.npy|magic"):
        read_array(file)
