"""Samples from a folder of images, decoded once to bytes and normalised slice by slice."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import field_validator, model_validator

from quantbench.errors import DataFileError, SamplesError
from quantbench.samples.kept import kept, listing_sha256
from quantbench.samples.picture import MAX_PIXELS, eight_bits, opened_picture
from quantbench.samples.records import Arrays, Samples
from quantbench.samples.stream import DEFAULT_LIMIT, Limit
from quantbench.system.fingerprint import fingerprint
from quantbench.system.record import Record

FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "PPM")
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".ppm", ".pgm")
_MAX_FILES = 20_000_000
_BATCH = 64
"""Images that are in memory at a time."""


class Preprocessing(Record):
    """The way from a decoded image to a network's input: float32 [C, H, W] or [H, W, C].

    The image is converted to `channels`, resized (its shorter side to a number of pixels, or to
    [height, width]; bilinear with antialiasing), cropped at its centre to [height, width], then
    (pixel * scale - mean) / std. EXIF's rotation isn't applied.
    """

    resize: int | tuple[int, int] | None = None
    crop: tuple[int, int] | None = None
    channels: Literal["RGB", "L"] = "RGB"
    scale: float = 1 / 255
    mean: tuple[float, ...] = (0.0,)
    """One for all channels, or one each; in units of the scaled pixels."""
    std: tuple[float, ...] = (1.0,)
    layout: Literal["CHW", "HWC"] = "CHW"

    @field_validator("resize", "crop")
    @classmethod
    def _is_size(cls, value: int | tuple[int, int] | None) -> int | tuple[int, int] | None:
        sides = value if isinstance(value, tuple) else (1 if value is None else value,)
        if not all(0 < side <= MAX_PIXELS**0.5 for side in sides):
            raise ValueError("a side has to be between 1 and 7071 pixels")
        return value

    @model_validator(mode="after")
    def _fits_channels(self) -> Preprocessing:
        count = 1 if self.channels == "L" else 3
        for values in (self.mean, self.std):
            if len(values) not in (1, count):
                raise ValueError(f"mean and std take 1 or {count} values for {self.channels}")
        if not all(deviation > 0 for deviation in self.std):
            raise ValueError("a standard deviation has to be positive")
        return self

    @classmethod
    def for_shape(cls, shape: Sequence[int]) -> Preprocessing:
        """Images resized to a network's input of `shape`, [C, H, W] or [H, W, C], in 0..1.

        Raises SamplesError where the shape is no image's.
        """
        if len(shape) == 3 and shape[0] in (1, 3):
            return cls(resize=(shape[1], shape[2]), channels="L" if shape[0] == 1 else "RGB")
        if len(shape) == 3 and shape[2] in (1, 3):
            channels: Literal["L", "RGB"] = "L" if shape[2] == 1 else "RGB"
            return cls(resize=(shape[0], shape[1]), channels=channels, layout="HWC")
        raise SamplesError(
            f"the network takes inputs of shape {list(shape)}, which are no images of 1 or 3 "
            "channels; give arrays"
        )

    def __call__(self, arrays: Arrays) -> Arrays:
        """Turn uint8 [N, H, W, C] into one float32 input; each step rounds to float32."""
        (pixels,) = arrays
        values = pixels.astype(np.float32)
        values *= np.float32(self.scale)
        values -= np.array(self.mean, np.float32)
        values /= np.array(self.std, np.float32)
        return (values if self.layout == "HWC" else np.moveaxis(values, -1, 1),)


@dataclass(frozen=True)
class ImageFiles:
    """The images of a folder, with their classes where it has a folder for each."""

    paths: tuple[Path, ...]
    targets: NDArray[np.int64] | None
    classes: tuple[str, ...]


def from_images(
    name: str,
    root: Path,
    folder: Path,
    limit: Limit = DEFAULT_LIMIT,
    *,
    preprocessing: Preprocessing,
    classes: Sequence[str] = (),
) -> Samples:
    """Samples of the images in `root`, decoded to uint8 [N, H, W, C], which is kept in `folder`.

    Classes are the folders in `root`, sorted by name, or `classes`; images without folders have
    no targets. Where the limit is below their number, images are taken evenly from the whole list.
    Raises DataFileError, with its path, for an image that is damaged, too large or outside
    `root`; SamplesError where images differ in size after the preprocessing.
    """
    files = image_files(root, classes)
    count = len(files.paths)
    kept_count = min(count, limit.samples or count)
    chosen = [index * count // kept_count for index in range(kept_count)]
    paths = [files.paths[index] for index in chosen]

    def batches() -> Iterator[NDArray[np.uint8]]:
        for start in range(0, kept_count, _BATCH):
            yield _stacked(paths[start : start + _BATCH], paths[0], preprocessing)

    stored = kept(
        folder,
        name,
        {
            "files": listing_sha256(root, paths),
            "preprocessing": preprocessing.model_dump(mode="json"),
            "code": {**fingerprint(__name__)},
        },
        batches,
        -(-kept_count // _BATCH),
        limit,
    )
    targets = None if files.targets is None else files.targets[chosen]
    return Samples(name, (stored,), targets, preprocessing, files.classes)


def image_files(root: Path, classes: Sequence[str] = ()) -> ImageFiles:
    """List the images in `root`, sorted; hidden files and those of other types are passed over.

    Raises DataFileError for links that lead out of `root`, SamplesError for a class that has no
    image or isn't one of `classes`.
    """
    try:
        entries = sorted(os.scandir(root), key=lambda entry: entry.name)
        folders = [entry.name for entry in entries if entry.is_dir() and entry.name[0] != "."]
        for label in folders:
            _require_inside(root / label, root)
    except OSError as error:
        raise DataFileError(f"{root} can't be read: {error.strerror or error}") from error
    if not folders:
        paths = tuple(_images_in(root, root))
        if not paths:
            raise SamplesError(f"{root} holds no images ({', '.join(SUFFIXES)})")
        return ImageFiles(paths, None, tuple(classes))
    known = tuple(classes) or tuple(folders)
    if unknown := sorted({*folders} - {*known}):
        raise SamplesError(f"{root / unknown[0]} is none of the classes {', '.join(known[:20])}")
    found: list[Path] = []
    targets: list[int] = []
    for label in folders:
        images = _images_in(root / label, root)
        if not images:
            raise SamplesError(f"{root / label} holds no images ({', '.join(SUFFIXES)})")
        found += images
        targets += [known.index(label)] * len(images)
    return ImageFiles(tuple(found), np.array(targets, np.int64), known)


def decode(path: Path, preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """One image, resized and cropped: uint8 [H, W, C]. Raises DataFileError with its path."""
    with opened_picture(path, str(path), FORMATS, DataFileError) as image:
        sized = _sized(eight_bits(image).convert(preprocessing.channels), preprocessing, path)
    pixels = np.asarray(sized)
    return pixels[:, :, np.newaxis] if pixels.ndim == 2 else pixels


def _images_in(folder: Path, root: Path) -> list[Path]:
    """The image files below a folder, sorted by path; links to folders aren't followed."""
    found: list[Path] = []
    for place, folders, names in os.walk(folder, onerror=_fail):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.startswith(".") or not name.lower().endswith(SUFFIXES):
                continue
            path = Path(place) / name
            _require_inside(path, root)
            found.append(path)
        if len(found) > _MAX_FILES:
            raise SamplesError(f"{folder} holds over {_MAX_FILES:,} images")
    return found


def _require_inside(path: Path, root: Path) -> None:
    if path.is_symlink() and not path.resolve().is_relative_to(root.resolve()):
        raise DataFileError(f"{path} is a link that leads out of {root}; remove it")


def _fail(error: OSError) -> None:
    raise DataFileError(f"{error.filename} can't be read: {error.strerror or error}") from error


def _stacked(paths: Sequence[Path], first: Path, preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """The images as one array; all have to have the size of the `first` one."""
    images = [decode(path, preprocessing) for path in paths]
    size = _size(decode(first, preprocessing))
    for path, image in zip(paths, images, strict=True):
        if _size(image) != size:
            raise SamplesError(
                f"{path} is {_size(image)} where {first} is {size}; give a size to resize images to"
            )
    return np.stack(images)


def _size(image: NDArray[np.uint8]) -> str:
    return f"{image.shape[1]}x{image.shape[0]}"


def _sized(image: Image.Image, preprocessing: Preprocessing, path: Path) -> Image.Image:
    if preprocessing.resize is not None:
        height, width = _target_size(image, preprocessing.resize)
        if height * width > MAX_PIXELS:
            raise DataFileError(f"{path} would be resized to {width}x{height}; crop it first")
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    if preprocessing.crop is not None:
        height, width = preprocessing.crop
        left, top = round((image.width - width) / 2), round((image.height - height) / 2)
        if left < 0 or top < 0:
            raise SamplesError(
                f"{path} is {image.width}x{image.height}, too small to be cropped to "
                f"{width}x{height}; resize it first"
            )
        image = image.crop((left, top, left + width, top + height))
    return image


def _target_size(image: Image.Image, resize: int | tuple[int, int]) -> tuple[int, int]:
    """Height and width; of a shorter side alone, the longer is rounded down as others do."""
    if not isinstance(resize, int):
        return resize
    shorter = min(image.width, image.height)
    return image.height * resize // shorter, image.width * resize // shorter
