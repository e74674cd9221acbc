"""Small pictures of image samples, for a page that shows which ones changed their answer."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from quantbench.samples.records import Array, Samples

SIDE = 64
"""Pixels of the longer side, at most: a picture in color takes up to 12 kB as PNG."""


def thumbnail(samples: Samples, index: int) -> str:
    """The sample at `index` as a PNG in base64; "" where it is no image of 1 or 3 channels.

    Bytes are shown as they are stored, before they were normalised. Of other numbers nobody knows
    what is black: the least is drawn so, and the largest white.
    """
    one = samples.part(index, index + 1)
    (stored, *more) = one.stored
    pixels = stored[0] if stored.dtype == np.uint8 else one.inputs()[0][0]
    shaped = None if more else _height_width_channels(np.asarray(pixels))
    if shaped is None:
        return ""
    image = Image.fromarray(_bytes(shaped).squeeze(-1) if shaped.shape[2] == 1 else _bytes(shaped))
    image.thumbnail((SIDE, SIDE))
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def _height_width_channels(pixels: Array) -> Array | None:
    """The pixels as [H, W, C], or None where their shape is no image's."""
    if pixels.ndim == 2:
        return pixels[..., np.newaxis]
    if pixels.ndim != 3:
        return None
    if pixels.shape[2] in (1, 3):
        return pixels
    return np.moveaxis(pixels, 0, -1) if pixels.shape[0] in (1, 3) else None


def _bytes(pixels: Array) -> NDArray[np.uint8]:
    if pixels.dtype == np.uint8:
        return np.ascontiguousarray(pixels)
    values = np.nan_to_num(pixels.astype(np.float64))
    least, largest = values.min(), values.max()
    stretched = (values - least) * (255 / ((largest - least) or 1.0))
    return np.asarray(np.rint(stretched), np.uint8)
