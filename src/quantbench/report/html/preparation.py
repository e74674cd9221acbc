"""How a page prepares a picture for a network of images: as samples/images.py does it for files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from quantbench.samples.images import Preprocessing

Fit: TypeAlias = Literal["cover", "none"] | int | list[int]
"""The resizing: until the input is covered, none, the shorter side, or [height, width]."""


@dataclass(frozen=True)
class Preparation:
    """The preparation of what a reader gives: for the page's script, and in words for pictures."""

    description: dict[str, object]
    words: str = ""


def of_pictures(
    preparation: Preprocessing, shape: Sequence[int], classes: Sequence[str]
) -> Preparation | str:
    """The preparation of pictures for an input of `shape`, [C, H, W], or why there is none."""
    count = 1 if preparation.channels == "L" else 3
    if len(shape) != 3 or shape[0] != count:
        return f"doesn't take images of {count} channels"
    _, height, width = shape
    resize, crop = preparation.resize, preparation.crop
    prepared = crop or (resize if isinstance(resize, tuple) else None)
    if prepared is not None and prepared != (height, width):
        return f"doesn't take images of {prepared[1]}x{prepared[0]}"
    fit: Fit
    if resize is not None:
        fit = [*resize] if isinstance(resize, tuple) else resize
    else:
        fit = "none" if crop else "cover"
    picture = {
        "channels": count, "height": height, "width": width, "fit": fit,
        "scale": preparation.scale,
        "mean": _by_channel(preparation.mean, count), "std": _by_channel(preparation.std, count),
    }  # fmt: skip
    return Preparation(
        {"classes": [*classes], "picture": picture}, _words(fit, height, width, gray=count == 1)
    )


def _by_channel(values: tuple[float, ...], count: int) -> list[float]:
    return [*values] * (count if len(values) == 1 else 1)


def _words(fit: Fit, height: int, width: int, *, gray: bool) -> str:
    match fit:
        case int():
            sized = f"its shorter side is resized to {fit} pixels"
        case [rows, columns]:
            sized = f"it is resized to {columns}x{rows}"
        case "none":
            sized = "it isn't resized"
        case _:
            sized = f"it is resized until it covers {width}x{height}, the size of the samples"
    colour = "A picture becomes gray, as the study's images were" if gray else "A picture"
    joint = ": " if gray else " is prepared as the study's images were: "
    return (
        f"{colour}{joint}{sized}, then {width}x{height} pixels at its middle are cut out, and "
        "normalised. Its colours are those that this browser decodes, and may be a level or two "
        "from those that Python does."
    )
