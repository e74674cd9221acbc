"""Image folders: classes by folder, decoding that trusts nothing, one way to a network's input."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from quantbench.errors import DataFileError, SamplesError
from quantbench.samples import images
from quantbench.samples.images import Preprocessing, decode, from_images, image_files
from quantbench.samples.stream import Limit

PLAIN = Preprocessing()


def save(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def noise(height: int = 6, width: int = 5, seed: int = 0, channels: int = 3) -> np.ndarray:
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for number, label in enumerate(("dog", "cat", "cat", "ant", "dog")):
        save(tmp_path / "images" / label / f"{number}.png", noise(seed=number))
    (tmp_path / "images" / "README.txt").write_text("notes")
    (tmp_path / "images" / "cat" / ".hidden.png").write_text("no image")
    (tmp_path / "images" / ".git").mkdir()
    return tmp_path / "images"


def test_a_folder_is_a_class(root: Path, tmp_path: Path) -> None:
    samples = from_images("test", root, tmp_path / "work", preprocessing=PLAIN)
    assert samples.classes == ("ant", "cat", "dog")
    assert samples.targets is not None
    assert samples.targets.tolist() == [0, 1, 1, 2, 2]
    assert samples.stored[0].dtype == np.uint8
    (inputs,) = samples.inputs()
    assert inputs.shape == (5, 3, 6, 5)
    expected = np.moveaxis(noise(seed=3), -1, 0).astype(np.float32) * np.float32(1 / 255)
    assert np.array_equal(inputs[0], expected)


def test_classes_that_are_fixed_elsewhere(root: Path, tmp_path: Path) -> None:
    classes = ("dog", "cow", "cat", "ant")
    samples = from_images("test", root, tmp_path, preprocessing=PLAIN, classes=classes)
    assert samples.targets is not None
    assert samples.targets.tolist() == [3, 2, 2, 0, 0]
    with pytest.raises(SamplesError, match=r"dog is none of the classes cat, ant$"):
        image_files(root, ("cat", "ant"))


def test_a_limit_takes_images_of_every_class(root: Path, tmp_path: Path) -> None:
    samples = from_images("test", root, tmp_path, Limit(samples=3), preprocessing=PLAIN)
    assert samples.targets is not None
    assert samples.targets.tolist() == [0, 1, 2]


def test_images_without_classes(tmp_path: Path) -> None:
    save(tmp_path / "images" / "b.png", noise(seed=1))
    save(tmp_path / "images" / "a.PNG", noise(seed=2))
    samples = from_images("test", tmp_path / "images", tmp_path, preprocessing=PLAIN)
    assert samples.targets is None
    assert np.array_equal(samples.stored[0][0], noise(seed=2))


def test_preprocessing_by_hand(tmp_path: Path) -> None:
    save(tmp_path / "i" / "a.png", np.full((4, 4, 3), (51, 102, 255), np.uint8))
    way = Preprocessing(mean=(0.2, 0.0, 0.5), std=(1.0, 0.5, 0.25))
    (inputs,) = from_images("test", tmp_path / "i", tmp_path, preprocessing=way).inputs()
    np.testing.assert_allclose(inputs[0, :, 0, 0], [0.0, 0.8, 2.0], atol=1e-6)
    last = from_images(
        "test", tmp_path / "i", tmp_path, preprocessing=way.model_copy(update={"layout": "HWC"})
    )
    assert np.array_equal(last.inputs()[0], np.moveaxis(inputs, 1, -1))


def test_resize_of_the_shorter_side_and_crop(tmp_path: Path) -> None:
    columns = np.repeat(np.arange(40, dtype=np.uint8)[np.newaxis], 20, axis=0)
    path = save(tmp_path / "a.png", columns)
    gray = Preprocessing(channels="L", resize=10)
    assert decode(path, gray).shape == (10, 20, 1)
    cropped = decode(path, Preprocessing(channels="L", crop=(6, 10)))
    assert cropped[0, :, 0].tolist() == list(range(15, 25))
    exact = decode(path, Preprocessing(channels="L", resize=(7, 9)))
    assert exact.shape == (7, 9, 1)


def test_gray_alpha_palette_and_sixteen_bits(tmp_path: Path) -> None:
    gray = noise(channels=1)
    assert np.array_equal(
        decode(save(tmp_path / "g.png", gray), PLAIN), np.repeat(gray[..., np.newaxis], 3, axis=2)
    )
    deep = save(tmp_path / "d.png", gray.astype(np.uint16) * 257)
    assert np.array_equal(decode(deep, Preprocessing(channels="L"))[..., 0], gray)
    alpha = save(tmp_path / "a.png", noise(channels=4))
    assert np.array_equal(decode(alpha, PLAIN), noise(channels=4)[..., :3])
    Image.fromarray(noise()).quantize(16).save(tmp_path / "p.png")
    assert decode(tmp_path / "p.png", PLAIN).shape == (6, 5, 3)


def chunk(kind: bytes, content: bytes) -> bytes:
    crc = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)


def png_that_claims(width: int, height: int) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(100)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "can't be decoded as PNG, JPEG, BMP, WEBP or PPM; save it as one"),
        (b"GIF89a" + bytes(100), "can't be decoded as PNG, JPEG, BMP, WEBP or PPM; save it as one"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "can't be decoded as PNG"),
        (png_that_claims(20_000, 5_000), "is 20000x5000, over 50 million pixels"),
        (png_that_claims(2**31 - 1, 2**31 - 1), "claims too many pixels|over 50 million"),
        (png_that_claims(100, 100), "can't be decoded as PNG"),
        (bytes(64 * 2**20 + 1), "is over 64 MiB"),
    ],
    ids=["empty", "gif", "postscript", "bomb", "larger bomb", "cut", "long"],
)
def test_a_hostile_image_is_one_line_with_its_path(
    root: Path, tmp_path: Path, content: bytes, message: str
) -> None:
    bad = root / "cat" / "bad.png"
    bad.write_bytes(content)
    with pytest.raises(DataFileError, match=message) as caught:
        from_images("test", root, tmp_path / "work", preprocessing=PLAIN)
    assert str(caught.value).startswith(str(bad))
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("work/**/*.npy"))


def test_images_are_decoded_once_and_again_where_one_changed(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[Path] = []

    def counted(path: Path, preprocessing: Preprocessing) -> np.ndarray:
        decoded.append(path)
        return decode(path, preprocessing)

    monkeypatch.setattr(images, "decode", counted)

    def read(preprocessing: Preprocessing = PLAIN) -> int:
        decoded.clear()
        from_images("test", root, tmp_path / "work", preprocessing=preprocessing)
        return len({*decoded})

    assert [read(), read()] == [5, 0]
    save(root / "cat" / "1.png", noise(seed=9))
    assert [read(), read()] == [5, 0]
    assert [read(Preprocessing(resize=(4, 4))), read()] == [5, 0]
    for kept in tmp_path.glob("work/test-*/samples-x1.npy"):
        content = bytearray(kept.read_bytes())
        content[-1] ^= 1
        kept.write_bytes(content)
    assert [read(), read()] == [5, 0]


def test_a_cut_jpeg_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(noise(64, 64)).save(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataFileError, match=r"a\.jpg can't be decoded"):
        decode(path, PLAIN)


def test_links_out_of_the_folder_are_refused(root: Path, tmp_path: Path) -> None:
    secret = save(tmp_path / "secret.png", noise())
    inside = root / "cat" / "inside.png"
    inside.symlink_to(root / "dog" / "0.png")
    assert len(image_files(root).paths) == 6
    link = root / "cat" / "link.png"
    link.symlink_to(secret)
    with pytest.raises(DataFileError, match=r"link\.png is a link that leads out of"):
        image_files(root)
    link.unlink()
    (root / "elsewhere").symlink_to(tmp_path)
    with pytest.raises(DataFileError, match="elsewhere is a link that leads out of"):
        image_files(root)


def test_a_pipe_is_no_image(root: Path) -> None:
    os.mkfifo(root / "cat" / "pipe.png")
    with pytest.raises(DataFileError, match="can't be read: not a plain file"):
        decode(root / "cat" / "pipe.png", PLAIN)


def test_what_a_folder_has_to_hold(root: Path, tmp_path: Path) -> None:
    (root / "empty").mkdir()
    with pytest.raises(SamplesError, match=r"empty holds no images \(\.png"):
        image_files(root)
    (tmp_path / "none").mkdir()
    with pytest.raises(SamplesError, match="none holds no images"):
        image_files(tmp_path / "none")
    with pytest.raises(DataFileError, match="can't be read: No such file"):
        image_files(tmp_path / "missing")


def test_images_that_differ_in_size(root: Path, tmp_path: Path) -> None:
    save(root / "cat" / "9.png", noise(8, 8))
    with pytest.raises(SamplesError, match=r"9\.png is 8x8 where .* is 5x6; give a size"):
        from_images("test", root, tmp_path, preprocessing=PLAIN)
    sized = from_images("test", root, tmp_path, preprocessing=Preprocessing(resize=(4, 4)))
    assert sized.inputs()[0].shape == (6, 3, 4, 4)
    with pytest.raises(SamplesError, match="too small to be cropped to 7x7; resize it first"):
        from_images("test", root, tmp_path, preprocessing=Preprocessing(crop=(7, 7)))


def test_a_thin_image_is_not_resized_without_end(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", noise(1, 5000))
    with pytest.raises(DataFileError, match="would be resized to 20000000x4000; crop it first"):
        decode(path, Preprocessing(resize=4000))


@pytest.mark.parametrize(
    ("shape", "size", "channels", "layout"),
    [
        ((3, 32, 24), (32, 24), "RGB", "CHW"),
        ((1, 28, 28), (28, 28), "L", "CHW"),
        ((96, 80, 3), (96, 80), "RGB", "HWC"),
    ],
)
def test_preprocessing_for_a_networks_input(
    shape: tuple[int, ...], size: tuple[int, int], channels: str, layout: str
) -> None:
    way = Preprocessing.for_shape(shape)
    assert (way.resize, way.channels, way.layout) == (size, channels, layout)


def test_what_is_no_preprocessing() -> None:
    with pytest.raises(SamplesError, match=r"shape \[16000\], which are no images"):
        Preprocessing.for_shape((16000,))
    for wrong in (
        {"resize": 0},
        {"crop": (0, 4)},
        {"resize": 10**6},
        {"std": (0.0,)},
        {"channels": "L", "mean": (0.1, 0.2, 0.3)},
        {"channels": "CMYK"},
    ):
        with pytest.raises(ValidationError):
            Preprocessing.model_validate(wrong)
