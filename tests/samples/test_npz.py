"""Files of NumPy: read without unpickling, and bounded before anything is unpacked."""

from __future__ import annotations

import io
import pickle
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from quantbench.errors import DataFileError, SamplesError
from quantbench.samples.npz import from_npy, from_npz
from quantbench.samples.stream import Limit

X = np.arange(24, dtype=np.float32).reshape(6, 4)
Y = np.array([0, 1, 2, 0, 1, 2])


def npy(array: np.ndarray, *, pickled: bool = False) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=pickled)
    return file.getvalue()


def header(text: str, version: bytes = b"\x01\x00") -> bytes:
    length = len(text).to_bytes(2 if version[0] == 1 else 4, "little")
    return b"\x93NUMPY" + version + length + text.encode()


def zipped(path: Path, members: dict[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", packing) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("names", [("x", "y"), ("inputs", "targets"), ("images", "labels")])
def test_the_usual_names(tmp_path: Path, save: Callable[..., None], names: tuple[str, str]) -> None:
    save(tmp_path / "a.npz", **{names[0]: X, names[1]: Y, "note": np.zeros(3)})
    samples = from_npz("test", tmp_path / "a.npz", tmp_path / "work")
    assert samples.name == "test"
    assert np.array_equal(samples.inputs()[0], X)
    assert samples.targets is not None
    assert samples.targets.tolist() == Y.tolist()
    assert sorted(path.name for path in (tmp_path / "work").iterdir()) == [
        "test-x1.npy",
        "test-y.npy",
    ]


def test_the_networks_names_and_a_target_of_another(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", ids=Y, mask=X, age=Y, y=X)
    samples = from_npz(
        "test",
        tmp_path / "a.npz",
        tmp_path,
        names=("mask", "ids"),
        dtypes=("float32", "int64"),
        target="age",
    )
    mask, ids = samples.inputs()
    assert np.array_equal(mask, X)
    assert np.array_equal(ids, Y)
    assert samples.targets is not None
    assert samples.targets.ndim == 1


def test_order_byte_order_and_limit(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.asfortranarray(X.astype(">f8")), y=Y)
    samples = from_npz("test", tmp_path / "a.npz", tmp_path, Limit(samples=4))
    (inputs,) = samples.inputs()
    assert (inputs.dtype, inputs.flags.c_contiguous) == (np.dtype("<f4"), True)
    assert np.array_equal(inputs, X[:4])
    assert samples.targets is not None
    assert len(samples.targets) == 4


def test_names_of_classes(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=X, y=np.array(["b", "a"] * 3))
    samples = from_npz("test", tmp_path / "a.npz", tmp_path)
    assert samples.classes == ("a", "b")


def test_unclear_names_are_listed(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x_train=X, x_test=X)
    with pytest.raises(SamplesError, match=r"a\.npz holds x_train, x_test: name the arrays x"):
        from_npz("test", tmp_path / "a.npz", tmp_path)


class Bomb:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.mark,)


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    evil = npy(np.array([Bomb(mark)], dtype=object), pickled=True)
    (tmp_path / "x.npy").write_bytes(evil)
    zipped(tmp_path / "a.npz", {"x.npy": evil})
    message = "holds Python objects, which are never unpickled here"
    with pytest.raises(DataFileError, match=message):
        from_npz("test", tmp_path / "a.npz", tmp_path)
    with pytest.raises(DataFileError, match=message):
        from_npy("test", tmp_path / "x.npy")
    (tmp_path / "x.npy").write_bytes(pickle.dumps(Bomb(mark)))
    with pytest.raises(DataFileError, match=r"is no \.npy file, or damaged"):
        from_npy("test", tmp_path / "x.npy")
    assert not mark.exists()


def bomb(path: Path, size: int) -> Path:
    """A sound file of `size` zeros, without holding them."""
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': (1, {size}), }}\n"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("x.npy", "w", force_zip64=True) as file,
    ):
        file.write(header(text))
        for _ in range(size // 2**20):
            file.write(bytes(2**20))
    return path


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = bomb(tmp_path / "a.npz", 300 * 2**20)
    work = tmp_path / "work"
    with pytest.raises(
        DataFileError, match=r"unpacks from [\d,]+ to 314,572,\d+ bytes, as no data"
    ):
        from_npz("test", path, work)
    with pytest.raises(SamplesError, match="over the limit of 1,000; give fewer"):
        from_npz("test", path, work, Limit(bytes=1000))
    assert not work.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no .npy file, or damaged"),
        (b"\x93NUMPY", "is no .npy file, or damaged"),
        (npy(X)[:100], "is no .npy file, or damaged"),
        (npy(X)[:-1], "has 223 bytes where its header says 224"),
        (npy(X) + b"0", "has 225 bytes where its header says 224"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 4)}\n"),
         "impossible shape"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999999, 99)}\n"),
         "where its header says 3959999999999"),
        (header("{'descr': '|V8', 'fortran_order': False, 'shape': (1,)}\n"), "not numbers"),
        (header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}\n"),
         "not numbers"),
        (header("__import__('os').system('true')\n"), "is no .npy file, or damaged"),
        (header("(" * 5000 + "\n"), "is no .npy file, or damaged"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + bytes(2**20), "is no .npy file, or damaged"),
        (b"\x93NUMPY\x03\x00\xff\xff\xff\xff", "is no .npy file, or damaged"),
        (npy(np.array([1j])), "holds complex128, not numbers"),
    ],
)  # fmt: skip
def test_a_hostile_array_is_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = zipped(tmp_path / "a.npz", {"x.npy": content})
    with pytest.raises(DataFileError, match=message) as caught:
        from_npz("test", path, tmp_path / "work")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "work").exists()


def test_a_hostile_zip_is_one_line(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.npz", {"x.npy": npy(X), "y.npy": npy(Y)}, zipfile.ZIP_STORED)
    sound = path.read_bytes()
    flipped = bytearray(sound)
    flipped[200] ^= 1
    for content, message in (
        (sound[:-30], "is no .npz file, or damaged"),
        (b"not a zip", "is no .npz file, or damaged"),
        (bytes(flipped), "is no .npz file, or damaged .*CRC"),
    ):
        path.write_bytes(content)
        with pytest.raises(DataFileError, match=message):
            from_npz("test", path, tmp_path / "work")
        assert not list((tmp_path / "work").glob("*")) or content == bytes(flipped)
    zipped(path, {"x.npy": npy(X)}, zipfile.ZIP_LZMA)
    with pytest.raises(DataFileError, match="is packed as NumPy doesn't"):
        from_npz("test", path, tmp_path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", npy(X))
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("x.npy", npy(X + 1))
    with pytest.raises(DataFileError, match="holds two arrays of one name"):
        from_npz("test", path, tmp_path)


def test_no_file_of_a_member_lies_outside_the_folder(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.npz", {"../../x.npy": npy(X)})
    samples = from_npz("test", path, tmp_path / "deep" / "work", names=("../../x",))
    assert len(samples) == 6
    assert [p.name for p in (tmp_path / "deep" / "work").iterdir()] == ["test-x1.npy"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.npz", "deep"]


def test_an_array_alone_is_mapped_where_it_lies(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    samples = from_npy("calibration", tmp_path / "x.npy", Limit(samples=2))
    assert np.array_equal(samples.inputs()[0], X[:2])
    assert samples.targets is None
    (tmp_path / "x.npy").write_bytes(npy(X)[:-4])
    with pytest.raises(DataFileError, match=r"x\.npy is truncated: 220 bytes where"):
        from_npy("calibration", tmp_path / "x.npy")
    np.save(tmp_path / "x.npy", X[:0])
    with pytest.raises(SamplesError, match="holds no sample"):
        from_npy("calibration", tmp_path / "x.npy")


@pytest.mark.parametrize("read", [from_npy, lambda n, p: from_npz(n, p, p.parent)])
def test_what_is_no_plain_file(tmp_path: Path, read: Callable[[str, Path], object]) -> None:
    with pytest.raises(DataFileError, match=re.escape(f"{tmp_path} can't be read")):
        read("test", tmp_path)
    with pytest.raises(DataFileError, match="can't be read: No such file"):
        read("test", tmp_path / "none.npz")
