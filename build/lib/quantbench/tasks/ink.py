"""Separate ink from an unevenly lit background, which the code calls the ground.

The ground is the morphological closing of a picture with dark ink, or the opening of one with
light ink (Serra, Image Analysis and Mathematical Morphology, 1982): it fills in all that is
narrower than the window, while slopes of light and edges of shadows stay.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

Gray = NDArray[np.float32]

EDGE = 0.25
"""Share of the contrast at which ink ends; hardly a digit of MNIST has a fainter rim."""

_GROUND_SIDE = 140  # pixels: the ground is smooth, so a small picture holds it
_WINDOW = 0.25  # share of the longer side: wider than strokes, narrower than most shadows
_BROAD = 0.4  # share of the longer side: wider than any stroke
_UNEVEN = 0.1  # share of the contrast: a ground that varies by less is even
_DARKEST = 32.0  # gray level: ink is scaled by no darker paper
_MIN_CONTRAST = 16.0  # gray levels of 255 below which a picture counts as blank
_MIN_AREA = 1e-4  # share of the picture: less ink than this is noise
_UNREST = 17  # factor on the ground's quartile deviation: 4.7 standard deviations of noise
_SPECK = 0.01  # share of all ink: a separate piece with less is dust
_INSIDE = 0.1  # share of all ink: a ring that encloses more is a frame
_INSIDE_SIDE = 0.3  # share of the ring's longer side: a shorter piece is a dot, as in a dotted zero
_SIDE = 0.1  # share of the box: a frame runs this near to its sides
_ALONG = 0.75  # share of a side: none of MNIST's 70,000 digits reaches it on all four
_RIM = 0.1  # share of the ink's longer side: fainter ink lies this near to strong ink
_ALL = np.ones((3, 3), dtype=bool)


def ink_of(gray: Gray) -> Gray:
    """The contrast of each pixel with the ground around it: float32 [H, W], 0 without ink.

    `gray` is float32 [H, W] of 0..255. All is 0 where nothing stands out from the noise. Dark ink
    is scaled by the brightness of the paper around it.
    """
    light, dark = (_ground(gray, _BROAD, closing=closing) for closing in (True, False))
    is_dark = _roughness(light) <= _roughness(dark)
    ground = _level(light if is_dark else dark, gray)
    if ground is None:
        ground = _ground(gray, _WINDOW, closing=is_dark)
    ink = gray - ground
    if is_dark:
        ink = -ink * (np.float32(255) / np.maximum(ground, np.float32(_DARKEST)))
    middle, unrest = _noise(ink)
    ink = np.where(ink - middle > unrest, ink - middle, np.float32(0)).astype(np.float32)
    blank = ink.max() < max(_MIN_CONTRAST, 1.2 * unrest)
    if blank or np.count_nonzero(ink) < max(4, _MIN_AREA * ink.size):
        return np.zeros_like(gray)
    return ink


def cleaned(ink: Gray) -> Gray:
    """Remove dust, and what uneven light left of the ground; float32 [H, W]."""
    ink = _without_dust(ink)
    strong = ink > EDGE * ink.max()
    reach = 2 * int(np.ceil(_RIM * _longer(box_of(strong)))) + 1
    return np.where(ndimage.maximum_filter(strong, reach), ink, np.float32(0))


def without_cut_off(ink: Gray) -> Gray:
    """Remove pieces that the picture's edge cuts off, unless hardly any ink would be left.

    Such pieces are edges of light, the table beneath the paper, and frames seen only in part.
    """
    pieces, count = ndimage.label(ink > EDGE * ink.max(), structure=_ALL)
    cut = np.zeros(count + 1, dtype=bool)
    cut[np.concatenate((pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]))] = True
    cut[0] = False  # label 0: no piece
    whole = (pieces > 0) & ~cut[pieces]
    if ink[whole].sum() <= _INSIDE * ink.sum():
        return ink
    return np.where(cut[pieces], np.float32(0), ink)


def is_framed(ink: Gray) -> bool:
    """Whether ink runs along all four sides of its bounding box, as no digit of MNIST does."""
    strong = ink > EDGE * ink.max()
    strong = strong[box_of(strong)]
    height, width = strong.shape
    rows, columns = (int(np.ceil(_SIDE * side)) for side in (height, width))
    along = (
        strong[:rows].any(axis=0),
        strong[-rows:].any(axis=0),
        strong[:, :columns].any(axis=1),
        strong[:, -columns:].any(axis=1),
    )
    slim = 2 * min(height, width) < max(height, width)
    return not slim and min(float(side.mean()) for side in along) > _ALONG


def box_of(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The bounding box of a mask that isn't empty: slices of its rows and columns."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _ground(gray: Gray, window: float, *, closing: bool) -> Gray:
    """The picture, float32 [H, W], without all that is narrower than the window."""
    factor = max(1, max(gray.shape) // _GROUND_SIDE)
    image = Image.fromarray(gray)
    small = np.asarray(image.reduce(factor) if factor > 1 else image)
    side = int(max(small.shape) * window) | 1
    fill = ndimage.grey_closing if closing else ndimage.grey_opening
    ground = Image.fromarray(fill(small, size=(side, side), mode="nearest"))
    if factor > 1:
        ground = ground.resize(image.size, Image.Resampling.BILINEAR)
    return np.asarray(ground, dtype=np.float32)


def _level(ground: Gray, gray: Gray) -> Gray | None:
    """The level of an evenly lit ground, as an array of `gray`'s shape; None for an uneven one."""
    low, level, high = np.percentile(ground, (20, 50, 80))
    if high - low > _UNEVEN * np.abs(gray - level).max():
        return None
    return np.full_like(ground, level)


def _roughness(ground: Gray) -> float:
    """The total variation: a true ground is smooth, one found for the wrong kind of ink isn't."""
    return float(sum(np.abs(np.diff(ground, axis=axis)).sum(dtype=np.float64) for axis in (0, 1)))


def _noise(ink: Gray) -> tuple[np.float32, np.float32]:
    """The level of the ground, and a bound that its noise stays below.

    Both are taken from the lower half of all pixels, which holds no ink even where half of a
    picture is ink.
    """
    level, half = np.percentile(ink, (25, 50))
    unrest = _UNREST * np.median(np.abs(ink[ink <= half] - level))
    return np.float32(level), np.float32(unrest)


def _without_dust(ink: Gray) -> Gray:
    pieces, count = ndimage.label(ink > EDGE * ink.max(), structure=_ALL)
    weight = ndimage.sum_labels(ink, pieces, np.arange(count + 1))
    dust = weight < _SPECK * ink.sum()
    dust[0] = False  # label 0: no piece
    return np.where(dust[pieces], np.float32(0), ink)


def _longer(box: tuple[slice, ...]) -> int:
    return max(int(side.stop - side.start) for side in box)


def without_frame(ink: Gray) -> Gray:
    """Keep only what a ring of ink encloses, where that is more than a dot; else keep all."""
    pieces, _ = ndimage.label(ink > EDGE * ink.max(), structure=_ALL)
    boxes = ndimage.find_objects(pieces)
    longest = max(map(_longer, boxes))
    for number, box in enumerate(boxes, 1):
        if _longer(box) < _INSIDE_SIDE * longest:  # most pieces are dust: skip them
            continue
        ring = pieces[box] == number
        hole = ndimage.binary_fill_holes(ring) & ~ring
        within = hole & (pieces[box] > 0)
        enclosed = ink[box][within].sum() > _INSIDE * ink.sum()
        if enclosed and _longer(box_of(within)) > _INSIDE_SIDE * _longer(box):
            rest = np.zeros_like(ink)
            rest[box] = np.where(hole, ink[box], np.float32(0))
            return without_frame(rest)
    return ink
