from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from quantbench.data.idx import idx_file
from quantbench.errors import DataFileError

IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
RAW = idx_file.serialise(IMAGES)


def test_the_bytes_are_those_of_the_format() -> None:
    assert idx_file.serialise(np.array([5, 0, 4], np.uint8)) == bytes.fromhex(
        "0000080100000003050004"
    )


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=1, max_dims=3, max_side=5)))
def test_what_is_written_is_read(values: np.ndarray) -> None:
    parsed = idx_file.parse(idx_file.serialise(values), "f", values.shape)
    assert np.array_equal(parsed, values)
    assert not parsed.flags.writeable


@given(st.integers(0, len(RAW) - 1))
def test_a_cut_file_is_named(size: int) -> None:
    with pytest.raises(DataFileError, match=r"^some-file: truncated"):
        idx_file.parse(RAW[:size], "some-file", (2, 3, 4))


@pytest.mark.parametrize(
    ("raw", "shape", "message"),
    [
        (RAW + RAW, (2, 3, 4), "f: has bytes after its end: 80 bytes where its header says 40"),
        (b"\x1f\x8b\x08\x00" + RAW, (2, 3, 4), "f: starts with 1f8b0800"),
        (RAW, (24,), "f: starts with 00000803"),
        (RAW, (2, 4, 3), "f: has shape 2x3x4, expected 2x4x3"),
        (b"\0\0\x08\x03" + b"\xff" * 12, (2, 3, 4), "f: has shape 4294967295x"),
    ],
)
def test_another_file_is_refused(raw: bytes, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(DataFileError, match="^" + re.escape(message)):
        idx_file.parse(raw, "f", shape)
