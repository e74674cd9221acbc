"""Photographs, transparent pictures and frames, made of MNIST's own images, which are the truth."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from quantbench.data import Splits
from quantbench.errors import ImageError
from quantbench.tasks.digit import read_digit

Picture = Callable[[NDArray[np.float64], np.random.Generator], Image.Image]

HEIGHT, WIDTH, SIDE, TOP, LEFT = 420, 520, 252, 90, 120


def ink(digit: NDArray[np.uint8]) -> NDArray[np.float64]:
    """A digit on a sheet: float64 [H, W], 1 where all is ink."""
    sheet = np.zeros((HEIGHT, WIDTH))
    large = Image.fromarray(digit).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    sheet[TOP : TOP + SIDE, LEFT : LEFT + SIDE] = np.asarray(large) / 255
    return sheet


def image(shades: NDArray[np.float64]) -> Image.Image:
    return Image.fromarray(np.rint(shades.clip(0, 1) * 255).astype(np.uint8))


def photo(light: NDArray[np.float64], sheet: NDArray[np.float64], rng: np.random.Generator,
          paper: float = 0.9, pen: float = 0.2) -> Image.Image:  # fmt: skip
    shades = (paper + (pen - paper) * sheet) * light + rng.normal(0, 0.015, sheet.shape)
    return image(shades).filter(ImageFilter.GaussianBlur(1))


def place(rng: np.random.Generator) -> NDArray[np.float64]:
    """From 0 to 1 across the picture, in any direction."""
    angle = rng.uniform(0, 2 * np.pi)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    way = np.cos(angle) * columns + np.sin(angle) * rows
    return np.asarray((way - way.min()) / np.ptp(way))


def slope(sheet: NDArray[np.float64], rng: np.random.Generator) -> Image.Image:
    return photo(1 - 0.6 * place(rng), sheet, rng)


def shadow(sheet: NDArray[np.float64], rng: np.random.Generator) -> Image.Image:
    edge = (place(rng) - rng.uniform(0.35, 0.65)) / rng.uniform(0.005, 0.04)
    return photo(1 - 0.55 / (1 + np.exp(-edge)), sheet, rng)


def chalk(sheet: NDArray[np.float64], rng: np.random.Generator) -> Image.Image:
    return photo(1 - 0.5 * place(rng), sheet, rng, paper=0.2, pen=0.85)


def transparent(shade: int) -> Picture:
    def draw(sheet: NDArray[np.float64], rng: np.random.Generator) -> Image.Image:
        layers = np.full((HEIGHT, WIDTH, 4), shade, np.uint8)
        layers[..., 3] = np.asarray(image(sheet))
        return Image.fromarray(layers)

    return draw


def faded(sheet: NDArray[np.float64], rng: np.random.Generator) -> Image.Image:
    """White on transparent, its rims mixed with black as some programs leave them."""
    return Image.fromarray(np.repeat(np.asarray(image(sheet))[..., None], 4, axis=2))


def card(sheet: NDArray[np.float64], rng: np.random.Generator) -> Image.Image:
    """Dark on a white card with round, transparent corners."""
    shape = Image.new("L", (WIDTH, HEIGHT))
    ImageDraw.Draw(shape).rounded_rectangle((0, 0, WIDTH - 1, HEIGHT - 1), 40, fill=255)
    drawn = image(1 - sheet).convert("RGBA")
    drawn.putalpha(shape)
    return drawn


def framed(sheet: NDArray[np.float64], kind: str) -> Image.Image:
    drawn = image(1 - sheet)
    box = (LEFT - 10, TOP - 10, LEFT + SIDE + 10, TOP + SIDE + 10)
    draw = ImageDraw.Draw(drawn)
    if kind == "box":
        draw.rectangle(box, outline=0, width=6)
    elif kind == "round":
        draw.rounded_rectangle(box, 40, outline=0, width=6)
    elif kind == "ring":
        draw.ellipse((LEFT - 60, TOP - 60, LEFT + SIDE + 60, TOP + SIDE + 60), outline=0, width=6)
    else:
        draw.rectangle((0, 0, WIDTH - 1, HEIGHT - 1), outline=0, width=8)
    return drawn


def in_frame(kind: str) -> Picture:
    def draw(sheet: NDArray[np.float64], rng: np.random.Generator) -> Image.Image:
        return framed(sheet, kind)

    return draw


def plain(sheet: NDArray[np.float64], rng: np.random.Generator) -> Image.Image:
    return image(1 - sheet)


PICTURES: dict[str, Picture] = {
    "plain": plain,
    "slope": slope,
    "shadow": shadow,
    "chalk": chalk,
    "white on transparent": transparent(255),
    "black on transparent": transparent(0),
    "gray on transparent": transparent(128),
    "faded": faded,
    "card": card,
    "box": in_frame("box"),
    "round": in_frame("round"),
    "ring": in_frame("ring"),
    "edge": in_frame("edge"),
}


def encoded(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def off(image: NDArray[np.uint8], want: NDArray[np.uint8]) -> float:
    """The mean difference a pixel, of 255; the centre may be rounded to the next pixel."""
    return min(
        float(np.abs(np.roll(image, (down, right), (0, 1)).astype(int) - want).mean())
        for down in (-1, 0, 1)
        for right in (-1, 0, 1)
    )


@pytest.mark.parametrize("kind", PICTURES)
def test_the_digit_comes_back(mnist: Splits, kind: str) -> None:
    """Two images taken by chance differ by 40 a pixel in the mean."""
    rng = np.random.default_rng(1)
    differences = [
        off(read_digit(encoded(PICTURES[kind](ink(digit), rng)), "x"), digit)
        for digit in mnist.test.images[:40]
    ]
    assert max(differences) < 14
    assert np.median(differences) < 7


def test_a_digit_that_touches_its_frame_is_refused(mnist: Splits) -> None:
    sheet = ink(mnist.test.images[0])
    rows, columns = np.nonzero(sheet > 0.3)
    drawn = image(1 - sheet)
    box = (columns.min() - 3, rows.min() - 3, columns.max() + 3, rows.max() + 3)
    ImageDraw.Draw(drawn).rectangle(box, outline=0, width=8)
    with pytest.raises(ImageError, match="framed shows a frame that the digit touches"):
        read_digit(encoded(drawn), "framed")
