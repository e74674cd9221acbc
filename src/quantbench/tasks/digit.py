"""Read a digit from any picture and normalise it as MNIST's digits were.

MNIST's digits are light on dark, scaled to fit 20x20 with antialiasing, and put into 28x28
with their centre of mass at the middle. `read_digit` does the same, so an image of MNIST stays
as it is.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from quantbench.errors import ImageError
from quantbench.samples.picture import MAX_PIXELS, eight_bits, opened_picture
from quantbench.tasks.ink import (
    EDGE,
    box_of,
    cleaned,
    ink_of,
    is_framed,
    without_cut_off,
    without_frame,
)

SIDE, BOX, CENTRE = 28, 20, 14

_WORK_SIDE = 560  # pixels: a larger picture is first averaged down to about this
_SOLID = 0.95  # share of the greatest opacity: less may be the rim of a stroke
_ONE_SHADE = 16  # gray levels of 255: ink that varies by less has one shade
_OFF_CENTRE = 0.6  # pixels of 28: MNIST rounds to whole ones, resampling moves it a little


def read_digit(source: Path | bytes, name: str, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """Read a PNG or JPEG of one digit, dark or light -> uint8 [28, 28], light on dark.

    `name` stands for the picture in errors. Raises ImageError where it can't be decoded,
    is too large or holds no digit.
    """
    with opened_picture(source, name, ("PNG", "JPEG"), ImageError, max_pixels) as image:
        gray = _gray(image)
    return normalise(gray, name)


def normalise(gray: NDArray[np.float32], name: str) -> NDArray[np.uint8]:
    """Normalise a digit as MNIST does: float32 [H, W] of 0..255 -> uint8 [28, 28], light on dark.

    The digit may be dark on light or light on dark. Raises ImageError, with `name`, where there
    is no ink or a frame touches the digit.
    """
    ink = ink_of(gray)
    if not ink.any():
        raise ImageError(f"{name} holds no digit: nothing darker or lighter than its background")
    ink = without_frame(ink)
    whole = _resized(ink, SIDE, SIDE)
    if ink.shape[0] == ink.shape[1] >= SIDE and _is_normal(whole):
        return _full_range(whole)
    ink = cleaned(without_cut_off(ink))
    if is_framed(ink):
        raise ImageError(f"{name} shows a frame that the digit touches; cut the frame off")
    digit = _fit(ink[_box(ink)])
    top, left = (_start(_centre(digit, axis), digit.shape[axis]) for axis in (0, 1))
    out = np.zeros((SIDE, SIDE), np.float32)
    out[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    return _full_range(out)


def _gray(image: Image.Image) -> NDArray[np.float32]:
    """Decode to gray, float32 [H, W] of 0..255: upright, transparent parts on white."""
    image = eight_bits(ImageOps.exif_transpose(image))
    if image.has_transparency_data:
        image = _flattened(image.convert("RGBA"))
    image = image.convert("L")
    factor = max(image.size) // _WORK_SIDE
    if factor > 1:
        image = image.reduce(factor)
    return np.asarray(image, dtype=np.float32)


def _flattened(image: Image.Image) -> Image.Image:
    """Put the image on white; where its ink has one shade, draw that ink in black."""
    alpha = np.asarray(image.getchannel("A"))
    shades = np.asarray(image.convert("RGB").convert("L"))[alpha >= _SOLID * alpha.max()]
    if alpha.min() < _SOLID * alpha.max() and np.ptp(shades) < _ONE_SHADE:
        return ImageOps.invert(image.getchannel("A"))
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)


def _box(ink: NDArray[np.float32]) -> tuple[slice, slice]:
    """The rows and columns that hold ink, without the blur of its edge."""
    return box_of(ink > EDGE * ink.max())


def _is_normal(image: NDArray[np.float32]) -> bool:
    """Whether a digit in 28x28 already has MNIST's size and position."""
    longer = max(side.stop - side.start for side in _box(image))
    off = max(abs(_centre(image, axis) - CENTRE) for axis in (0, 1))
    return BOX - 2 <= longer <= BOX and off <= _OFF_CENTRE


def _fit(ink: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale the longer side to 20, keeping the aspect."""
    height, width = (max(1, round(n * BOX / max(ink.shape))) for n in ink.shape)
    return _resized(ink, height, width)


def _resized(ink: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Resize; shrinking averages areas, and the same size leaves the values as they are."""
    method = Image.Resampling.BOX if height <= ink.shape[0] else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(ink).resize((width, height), method), dtype=np.float32)


def _full_range(digit: NDArray[np.float32]) -> NDArray[np.uint8]:
    levels: NDArray[np.float32] = np.rint(digit * (255 / digit.max()))
    return levels.astype(np.uint8)


def _centre(digit: NDArray[np.float32], axis: int) -> float:
    profile = digit.sum(axis=1 - axis, dtype=np.float64)
    return float((profile * np.arange(profile.size)).sum() / profile.sum())


def _start(centre: float, size: int) -> int:
    """The first row or column of the digit that puts its centre of mass at the middle."""
    return min(max(CENTRE - int(np.floor(centre + 0.5)), 0), SIDE - size)
