"""ImageNet (ILSVRC 2012) from the user's folder: val/ with a folder of images for each class."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from quantbench.errors import DataFileError
from quantbench.samples.images import Preprocessing, from_images
from quantbench.samples.shared import held_out
from quantbench.samples.splits import SampleSplits, users_folder
from quantbench.samples.stream import Limit
from quantbench.system.cache import root as cache_root

TITLE = "ImageNet"
CLASSES: tuple[str, ...] = ()
_HOLDS = "val/ (and train/, if you have it) with a folder of images for each class"
_PREPROCESSING = Preprocessing(
    resize=256, crop=(224, 224), mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)
)
_CALIBRATION = 1_000
"""Images to calibrate with: of train/, evenly, or where it isn't there of val/."""
_MAX_SHARE = 0.1
"""The most of val/ that is taken away from testing."""
_SEED = 0


def load(folder: Path | None, *, offline: bool, log: Callable[[str], None]) -> SampleSplits:
    root = users_folder(TITLE, folder, _HOLDS)
    kept = cache_root() / "data" / "imagenet"
    if not (root / "val").is_dir():
        raise DataFileError(f"{root} has no folder val; put {_HOLDS} there")
    test = from_images("test", root / "val", kept, preprocessing=_PREPROCESSING)
    if test.targets is None:
        raise DataFileError(f"{root / 'val'} has no folders of classes; put {_HOLDS} there")
    if (root / "train").is_dir():
        calibration = from_images(
            "calibration",
            root / "train",
            kept,
            Limit(samples=_CALIBRATION),
            preprocessing=_PREPROCESSING,
            classes=test.classes,
        )
        return SampleSplits(None, calibration, test)
    count = max(1, min(_CALIBRATION, int(_MAX_SHARE * len(test))))
    rest, calibration = held_out(test, count, _SEED, kept / "held out")
    log(
        f"{TITLE}: {count:,} of the {len(test):,} images of val/ are for calibration and aren't "
        f"scored, as {root / 'train'} isn't there"
    )
    return SampleSplits(None, calibration, rest)
