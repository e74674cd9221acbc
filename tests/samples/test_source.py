"""Whatever a user names becomes samples that fit the network, or the error says what would."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, TensorDataset

from quantbench.errors import DataFileError, SamplesError
from quantbench.samples.images import Preprocessing
from quantbench.samples.source import ReadSpec, read
from quantbench.samples.stream import Limit

X = np.arange(24, dtype=np.float32).reshape(6, 4)
Y = np.array([0, 1, 2, 0, 1, 2])


@dataclass(frozen=True)
class Input:
    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"


def spec(folder: Path, *inputs: Input, **options: object) -> ReadSpec:
    return ReadSpec(folder, inputs or (Input("x", (4,)),), **options)  # type: ignore[arg-type]


def pairs() -> TensorDataset:
    return TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))


def generator() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    yield X[:4], Y[:4]
    yield X[4:], Y[4:]


@dataclass(frozen=True)
class Frame:
    """A table of another library: iterated it gives names, as an array numbers."""

    def __iter__(self) -> Iterator[str]:
        return iter("abcd")

    def __array__(self, *_: object, **__: object) -> np.ndarray:
        return X


SOURCES: dict[str, tuple[Callable[[Path], object], bool]] = {
    "array": (lambda _: X, False),
    "tensor": (lambda _: torch.from_numpy(X), False),
    "lists": (lambda _: X.tolist(), False),
    "table": (lambda _: Frame(), False),
    "pair": (lambda _: (X, Y), True),
    "tables": (lambda _: (Frame(), Y.tolist()), True),
    "dict": (lambda _: {"x": X, "y": Y}, True),
    "loader": (lambda _: DataLoader(pairs(), 4), True),
    "data set": (lambda _: pairs(), True),
    "batches": (lambda _: list(generator()), True),
    "generator": (lambda _: generator(), True),
    "npz": (lambda folder: folder / "a.npz", True),
    "npy": (lambda folder: folder / "a.npy", False),
    "csv": (lambda folder: str(folder / "a.csv"), True),
}


@pytest.mark.parametrize("form", SOURCES)
def test_every_source_gives_the_same_samples(tmp_path: Path, form: str) -> None:
    np.savez(tmp_path / "a.npz", x=X, y=Y)
    np.save(tmp_path / "a.npy", X)
    rows = [",".join(map(str, (*x, y))) for x, y in zip(X.tolist(), Y.tolist(), strict=True)]
    (tmp_path / "a.csv").write_text("\n".join(rows))
    make, has_targets = SOURCES[form]
    for inputs in ((), (Input("x", (4,)),)):
        samples = read("test", make(tmp_path), ReadSpec(tmp_path / "work", inputs))
        assert samples.name == "test"
        assert np.array_equal(samples.inputs()[0], X)
        assert (samples.targets is not None) == has_targets
        if samples.targets is not None:
            assert (samples.targets.dtype, samples.targets.tolist()) == (np.int64, Y.tolist())


def test_samples_that_were_read_before_get_the_splits_name(tmp_path: Path) -> None:
    before = read("test", (X, Y), spec(tmp_path))
    assert read("calibration", before, spec(tmp_path)).name == "calibration"


def test_several_inputs(tmp_path: Path) -> None:
    inputs = (Input("image", (4,)), Input("ids", (), "int64"))
    np.savez(tmp_path / "a.npz", ids=Y, image=X, y=Y)
    for source in (((X, Y), Y), (X, Y, Y), [((X, Y), Y)], tmp_path / "a.npz"):
        samples = read("test", source, spec(tmp_path / "work", *inputs))
        image, ids = samples.inputs()
        assert np.array_equal(image, X)
        assert np.array_equal(ids, Y)
        assert samples.targets is not None
    with pytest.raises(SamplesError, match="gives 1 inputs; the network takes 2: image, ids"):
        read("test", X, spec(tmp_path, *inputs))
    np.save(tmp_path / "a.npy", X)
    with pytest.raises(SamplesError, match="holds one input, the network takes image, ids; give a"):
        read("test", tmp_path / "a.npy", spec(tmp_path, *inputs))


def test_a_folder_of_images_is_resized_to_the_network_and_says_so(tmp_path: Path) -> None:
    for label in ("a", "b"):
        (tmp_path / "images" / label).mkdir(parents=True)
        pixels = np.full((9, 9, 3), 255, np.uint8)
        Image.fromarray(pixels).save(tmp_path / "images" / label / "1.png")
    logged: list[str] = []
    network = Input("x", (3, 4, 6))
    asked = spec(tmp_path / "work", network, log=logged.append)
    samples = read("test", tmp_path / "images", asked)
    assert np.array_equal(samples.inputs()[0], np.ones((2, 3, 4, 6), np.float32))
    assert len(logged) == 1
    assert logged[0].startswith("test: images are resized to [3, 4, 6] and scaled to 0..1")
    own = spec(tmp_path / "work", network, preprocessing=Preprocessing(resize=(5, 5)))
    with pytest.raises(SamplesError, match=r"has shape \[3, 5, 5\], the network's input 'x' takes"):
        read("test", tmp_path / "images", own)
    with pytest.raises(SamplesError, match="give the preprocessing of the images"):
        read("test", tmp_path / "images", ReadSpec(tmp_path))
    with pytest.raises(SamplesError, match="give the preprocessing of the images"):
        read("test", tmp_path / "images", spec(tmp_path, Input("x", (3, -1, -1))))


def test_a_size_that_is_free_takes_any(tmp_path: Path) -> None:
    assert len(read("test", X, spec(tmp_path, Input("x", (-1,))))) == 6
    with pytest.raises(SamplesError, match=r"a sample has shape \[4\], .* takes \[-1, 4\]"):
        read("test", X, spec(tmp_path, Input("x", (-1, 4))))


def test_a_loader_that_shuffles_is_told_of(tmp_path: Path) -> None:
    logged: list[str] = []
    for shuffle in (False, True):
        loader = DataLoader(pairs(), 4, shuffle=shuffle)
        read("test", loader, spec(tmp_path, log=logged.append))
    assert len(logged) == 1
    assert "make it with shuffle=False" in logged[0]


def test_the_limit_is_passed_on(tmp_path: Path) -> None:
    assert len(read("test", generator(), spec(tmp_path, limit=Limit(samples=5)))) == 5


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (None, "test is a NoneType; give a file .npz, .npy, .csv or .tsv, a folder of images"),
        (3.5, "test is a float; give a file"),
        (len, "test is a builtin_function_or_method; give"),
        ("none.npz", "none.npz isn't there; give a file"),
        (X[:, :3], r"a sample has shape \[3\], the network's input 'x' takes \[4\]"),
        (X[..., np.newaxis], r"a sample has shape \[4, 1\], the network's input 'x' takes \[4\]"),
        ((X, Y, Y), "a tuple of 3"),
    ],
)
def test_what_is_not_accepted_says_what_is(tmp_path: Path, source: object, message: str) -> None:
    with pytest.raises(SamplesError, match=message):
        read("test", source, spec(tmp_path))


@pytest.mark.parametrize("name", ["a.pt", "a.pkl", "a.h5", "a"])
def test_files_that_are_not_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x80\x04.")
    with pytest.raises(SamplesError, match=f"{name} is not a file that is read here; give a file"):
        read("test", tmp_path / name, spec(tmp_path))


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04")
    with pytest.raises(DataFileError, match=r"a\.npz is no \.npz file, or damaged"):
        read("test", tmp_path / "a.npz", spec(tmp_path))
