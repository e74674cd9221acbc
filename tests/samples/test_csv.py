"""CSV: header, target and types are told from the text, and the first bad cell is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from quantbench.errors import DataFileError, SamplesError
from quantbench.samples.csv import from_csv
from quantbench.samples.records import Samples
from quantbench.samples.stream import Limit


def read(tmp_path: Path, text: str | bytes, **options: object) -> Samples:
    path = tmp_path / "a.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return from_csv("test", path, tmp_path / "work", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "inputs", "targets"),
    [
        ("a,b,y\n1,2.5,0\n3,4,1\n", [[1, 2.5], [3, 4]], [0, 1]),
        ("1,2.5,0\n3,4,1\n", [[1, 2.5], [3, 4]], [0, 1]),
        ("0,1,target\n1,2.5,0\n3,4,1\n", [[1, 2.5], [3, 4]], [0, 1]),
        ("a;b;y\r\n1;2.5;0.5\r\n3;4;1\r\n\r\n", [[1, 2.5], [3, 4]], [0.5, 1]),
        ("\ufeffa\tb\ty\n1\t2.5\t-1\n3\t4\t1e2", [[1, 2.5], [3, 4]], [-1, 100]),
        ('"a","b","y"\n" 1",2.5,"0"\n3,4,1\n', [[1, 2.5], [3, 4]], [0, 1]),
    ],
)
def test_features_and_targets(
    tmp_path: Path, text: str, inputs: list[object], targets: list[float]
) -> None:
    samples = read(tmp_path, text)
    (values,) = samples.inputs()
    assert (values.dtype, values.tolist()) == (np.float32, inputs)
    assert samples.targets is not None
    assert samples.targets.tolist() == targets
    whole = all(float(target).is_integer() for target in targets)
    assert samples.targets.dtype == (np.int64 if whole else np.float32)


@pytest.mark.parametrize("head", ["", "length,width,kind\n"])
def test_names_of_classes_as_targets(tmp_path: Path, head: str) -> None:
    samples = read(tmp_path, f"{head}1,2,setosa\n3,4,lily\n5,6,setosa\n")
    assert samples.targets is not None
    assert (samples.targets.tolist(), samples.classes) == ([1, 0, 1], ("lily", "setosa"))
    fixed = read(tmp_path, f"{head}1,2,lily\n", classes=("oak", "lily"))
    assert fixed.targets is not None
    assert fixed.targets.tolist() == [1]


def test_the_target_by_name_and_none(tmp_path: Path) -> None:
    text = "y,a,b\n7,1,2\n8,3,4\n"
    by_name = read(tmp_path, text, target="y")
    assert by_name.inputs()[0].tolist() == [[1, 2], [3, 4]]
    assert by_name.targets is not None
    assert by_name.targets.tolist() == [7, 8]
    without = read(tmp_path, text, target=None)
    assert (without.inputs()[0].shape, without.targets) == ((2, 3), None)
    with pytest.raises(SamplesError, match="has no column 'z'; its first row is y, a, b"):
        read(tmp_path, text, target="z")


def test_the_networks_shape_says_what_the_columns_are(tmp_path: Path) -> None:
    with_targets = read(tmp_path, "1,2,3,4,0\n", shape=(1, 2, 2))
    assert with_targets.inputs()[0].tolist() == [[[[1, 2], [3, 4]]]]
    assert with_targets.targets is not None
    assert read(tmp_path, "1,2,3,4\n", shape=(4,)).targets is None
    with pytest.raises(SamplesError, match="has 4 columns of features; the network takes 9"):
        read(tmp_path, "1,2,3,4,0\n", shape=(9,))
    with pytest.raises(SamplesError, match="has 0 columns of features; a sample needs one"):
        read(tmp_path, "1\n2\n")


def test_integers_for_a_network_that_takes_them(tmp_path: Path) -> None:
    (ids,) = read(tmp_path, "1,16777217,0\n", dtype="int64").inputs()
    assert (ids.dtype, ids.tolist()) == (np.int64, [[1, 16777217]])
    with pytest.raises(SamplesError, match=r"holds 1\.5 in sample 0, which int64 can't hold"):
        read(tmp_path, "1,1.5,0\n", dtype="int64")


def test_more_rows_than_are_in_memory_and_a_limit(tmp_path: Path) -> None:
    text = "a,y\n" + "".join(f"{row},{row % 3}\n" for row in range(9000))
    samples = read(tmp_path, text)
    assert samples.inputs()[0][:, 0].tolist() == list(range(9000))
    some = read(tmp_path, text, limit=Limit(samples=5000))
    assert len(some) == 5000
    assert some.targets is not None
    assert some.targets.tolist() == [row % 3 for row in range(5000)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b,y\n1,2,0\n3,oops,1\n", r"line 3, column 2 \(b\): 'oops' is no number"),
        ("1,2,0\n3,,1\n", r"line 2, column 2 \(2\): '' is no number"),
        ("1,nan,0\n", r"line 1, column 2 \(2\): 'nan' is no number"),
        ("1,2,0\n1_0,2,0\n", "line 2, column 1 .*'1_0' is no number"),
        ("1,2,0\n1e999,2,0\n", "'1e999' is no number"),
        ("1,2,0\n\u0661,2,0\n", r"'\\u0661' is no number"),
        ("1,2,0\n1,2\n", "line 2: 2 cells where the first row has 3"),
        ("1,2,0\n1,2,cat\n", r"line 2, column 3 \(3\): 'cat' is no number"),
        ("a,b,y\n1,2,cat\n1,2,\n", "line 3: the target is empty"),
        ("1,2,0\n\x1b[2J,2,0\n", r"'\\x1b\[2J' is no number"),
        (b"a,b\n\xff,1\n", "is not UTF-8 text"),
        ('1,2,0\n"1,2,0\n', "is no CSV file, or damaged"),
        ("1," * (3 * 2**20) + "0", "has a line of over 4,194,304 characters"),
    ],
)
def test_the_first_bad_cell_is_named(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(DataFileError, match=message) as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("work/*"))


@pytest.mark.parametrize("text", ["", "\n\n", "a,b,y\n"])
def test_no_row_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(SamplesError, match="holds no sample"):
        read(tmp_path, text)


def test_what_is_no_plain_file(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match="can't be read"):
        from_csv("test", tmp_path, tmp_path)
