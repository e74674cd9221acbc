"""Open a picture that others made: bounded in bytes and pixels, in named formats alone."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from quantbench.errors import QuantbenchError
from quantbench.system.files import read_plain

MAX_BYTES = 64 * 2**20
MAX_PIXELS = 50_000_000


@contextmanager
def opened_picture(
    source: Path | bytes,
    name: str,
    formats: tuple[str, ...],
    error: type[QuantbenchError],
    max_pixels: int = MAX_PIXELS,
) -> Iterator[Image.Image]:
    """The picture of a file or of its bytes, to be decoded within the context.

    `name` stands for it in errors. Raises `error` where it can't be read or decoded as one of
    `formats`, is over 64 MiB or over `max_pixels`, also while it is decoded.
    """
    data = source if isinstance(source, bytes) else _bytes(source, name, error)
    if len(data) > MAX_BYTES:
        raise error(f"{name} is over {MAX_BYTES >> 20} MiB; give a smaller picture")
    try:
        with warnings.catch_warnings():
            # Pillow warns of damage that it survives, such as in EXIF; the picture decides.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=formats) as image:
                if image.width * image.height > max_pixels:
                    raise error(
                        f"{name} is {image.width}x{image.height}, over "
                        f"{max_pixels // 10**6} million pixels; give a smaller picture"
                    )
                yield image
    except Image.DecompressionBombError as fault:
        raise error(f"{name} claims too many pixels; give a smaller picture") from fault
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error) as fault:
        *others, last = formats
        listed = f"{', '.join(others)} or {last}"
        raise error(f"{name} can't be decoded as {listed}; save it as one") from fault


def eight_bits(image: Image.Image) -> Image.Image:
    """The image with 8 bits a pixel where it has 16, which Pillow would clip at 255."""
    if not image.mode.startswith("I"):
        return image
    deep = np.asarray(image, dtype=np.float32) / 257
    return Image.fromarray(np.rint(deep).clip(0, 255).astype(np.uint8))


def _bytes(path: Path, name: str, error: type[QuantbenchError]) -> bytes:
    try:
        return read_plain(path, MAX_BYTES + 1)
    except OSError as fault:
        raise error(f"{name} can't be read: {fault.strerror or fault}") from fault
