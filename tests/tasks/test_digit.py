from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from quantbench.data import Splits
from quantbench.errors import ImageError
from quantbench.tasks.digit import normalise, read_digit

Resampling = Image.Resampling


def encoded(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def drawn(size: int = 280, ground: int = 255, ink: int = 0, offset: int = 0) -> Image.Image:
    """A seven of thick strokes, `offset` pixels from its place to the lower right."""
    image = Image.new("L", (size, size), ground)
    unit = size // 14
    corners = [(3 * unit, 3 * unit), (9 * unit, 3 * unit), (6 * unit, 11 * unit)]
    moved = [(x + offset, y + offset) for x, y in corners]
    ImageDraw.Draw(image).line(moved, fill=ink, width=size // 12, joint="curve")
    return image


def off(image: np.ndarray, want: np.ndarray) -> float:
    """The mean difference a pixel, of 255."""
    return float(np.abs(image.astype(int) - want.astype(int)).mean())


def test_every_test_image_of_mnist_stays_as_it_is(mnist: Splits) -> None:
    """All but two, whose digits are far from the size that MNIST's should have."""
    changed = [
        i
        for i, image in enumerate(mnist.test.images)
        if np.abs(normalise(image.astype(np.float32), "x").astype(int) - image).max() > 1
    ]
    assert len(changed) == 2


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize(
    ("side", "how", "form", "limit"),
    [
        (28, Resampling.NEAREST, "PNG", 0.5),
        (224, Resampling.NEAREST, "PNG", 0.5),
        (224, Resampling.BILINEAR, "PNG", 8.5),
        (224, Resampling.BICUBIC, "PNG", 6.5),
        (224, Resampling.LANCZOS, "PNG", 6.5),
        (28, Resampling.NEAREST, "JPEG", 5),
        (224, Resampling.BICUBIC, "JPEG", 6.5),
    ],
)
def test_images_of_mnist_come_back_from_files(
    mnist: Splits, inverted: bool, side: int, how: Resampling, form: str, limit: float
) -> None:
    """Against a mean of 33 a pixel; two images taken by chance differ by 40 in the mean."""
    images = mnist.test.images[:300]
    errors = []
    for image in images:
        picture = Image.fromarray(255 - image if inverted else image).resize((side, side), how)
        errors.append(off(read_digit(encoded(picture, form, quality=90), "x"), image))
    assert max(errors) < limit
    assert off(images[:150], images[150:]) > 35


def test_place_size_polarity_and_contrast_do_not_matter() -> None:
    want = read_digit(encoded(drawn()), "x")
    assert want.shape == (28, 28)
    assert want.dtype == np.uint8
    assert want.max() == 255
    assert want[0].max() == 0
    for picture in (
        drawn(offset=40),
        drawn(560),
        drawn(ground=40, ink=230),
        drawn(ground=180, ink=90),
    ):
        assert off(read_digit(encoded(picture), "x"), want) < 4
    wide = Image.new("L", (900, 300), 255)
    wide.paste(drawn(), (600, 10))
    assert off(read_digit(encoded(wide), "x"), want) < 0.5


def test_a_digit_fills_20_pixels_and_is_centred_by_mass() -> None:
    digit = read_digit(encoded(drawn(offset=50)), "x").astype(float)
    rows, columns = np.flatnonzero(digit.any(axis=1)), np.flatnonzero(digit.any(axis=0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    for axis in (0, 1):
        profile = digit.sum(axis=1 - axis)
        assert abs((profile * np.arange(28)).sum() / profile.sum() - 14) <= 0.51


def test_a_photo_with_noise_shade_and_dust() -> None:
    want = read_digit(encoded(drawn()), "x")
    rng = np.random.default_rng(3)
    sheet = np.full((900, 700), 200.0)
    sheet[300:580, 200:480] -= (255 - np.asarray(drawn(), dtype=float)) * 0.6
    sheet[100:104, 100:104] = 60
    sheet += rng.normal(0, 6, sheet.shape) + np.linspace(-10, 10, 700)
    photo = Image.fromarray(sheet.clip(0, 255).astype(np.uint8))
    assert off(read_digit(encoded(photo, "JPEG", quality=85), "x"), want) < 6


def test_a_tight_crop_is_still_dark_on_light() -> None:
    want = read_digit(encoded(drawn()), "x")
    tight = drawn().crop((55, 50, 190, 232))
    assert off(read_digit(encoded(tight), "x"), want) < 6


def test_transparency_is_flattened_on_white() -> None:
    ink = Image.new("RGBA", (280, 280), (255, 0, 0, 0))
    black = Image.new("RGBA", (280, 280), (0, 0, 0, 255))
    ink.paste(black, mask=drawn(ground=0, ink=255))
    assert off(read_digit(encoded(ink), "x"), read_digit(encoded(drawn()), "x")) < 0.5


def test_exif_orientation_is_obeyed() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees clockwise
    turned = encoded(drawn().transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif)
    assert off(read_digit(turned, "x"), read_digit(encoded(drawn()), "x")) < 2


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16"])
def test_modes_of_png(mode: str) -> None:
    want = read_digit(encoded(drawn()), "x")
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(drawn(), dtype=np.uint16) * 257)
    else:
        picture = drawn().convert(mode)
    assert picture.mode == mode
    assert off(read_digit(encoded(picture), "x"), want) < 0.5


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_modes_of_jpeg(mode: str) -> None:
    want = read_digit(encoded(drawn()), "x")
    assert off(read_digit(encoded(drawn().convert(mode), "JPEG"), "x"), want) < 2


@pytest.mark.parametrize("size", [(1, 1), (2, 1000), (28, 28), (700, 500)])
@pytest.mark.parametrize("shade", [0, 128, 255])
def test_a_blank_picture_holds_no_digit(size: tuple[int, int], shade: int) -> None:
    with pytest.raises(ImageError) as caught:
        read_digit(encoded(Image.new("L", size, shade)), "blank.png")
    assert str(caught.value) == (
        "blank.png holds no digit: nothing darker or lighter than its background"
    )


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("spread", [2, 10, 30])
def test_noise_holds_no_digit(seed: int, spread: int) -> None:
    noise = np.random.default_rng(seed).normal(128, spread, (400, 400)).clip(0, 255)
    with pytest.raises(ImageError, match="noise holds no digit"):
        read_digit(encoded(Image.fromarray(noise.astype(np.uint8))), "noise")


def test_what_is_no_picture_is_named(tmp_path: Path) -> None:
    png = encoded(drawn())
    for data in (b"", b"hello", png[:20], png[: len(png) // 2], encoded(drawn(), "GIF")):
        path = tmp_path / "x.png"
        path.write_bytes(data)
        with pytest.raises(ImageError, match=r"^x\.png can't be decoded as PNG or JPEG"):
            read_digit(path, "x.png")
    with pytest.raises(ImageError, match="none can't be read: No such file"):
        read_digit(tmp_path / "none", "none")


@pytest.mark.parametrize("side", [8_000, 10_000, 20_000, 2**31 - 1])
def test_a_bomb_is_refused_by_its_header(side: int) -> None:
    """Over our cap, over the cap at which Pillow warns, over the one at which it refuses."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels)
    with pytest.raises(ImageError, match=r"bomb .*give a smaller picture"):
        read_digit(bomb + chunk(b"IEND", b""), "bomb")


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_files_end_in_an_image_or_an_image_error(data: st.DataObject) -> None:
    form = data.draw(st.sampled_from(["PNG", "JPEG"]))
    exif = Image.Exif()
    exif[0x0112] = 6
    raw = bytearray(encoded(drawn(140), form, exif=exif))
    for _ in range(data.draw(st.integers(1, 5))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        digit = read_digit(bytes(raw), "x")
    except ImageError:
        return
    assert digit.shape == (28, 28)


@pytest.mark.parametrize("kind", ["fifo", "device", "folder"])
def test_what_is_no_plain_file_is_not_waited_for(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "digit.png"
    make = {"fifo": os.mkfifo, "device": lambda p: p.symlink_to("/dev/zero"), "folder": Path.mkdir}
    make[kind](path)
    with pytest.raises(ImageError, match=r"digit\.png can't be read: not a plain file"):
        read_digit(path, str(path))
