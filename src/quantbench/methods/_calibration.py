"""The calibration images that every method shares."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from quantbench.records import Settings
from quantbench.task import Task


class CalibrationSettings(Settings):
    images: int = Field(default=1000, gt=0, le=5000, description="calibration images")


def calibration_inputs(task: Task, settings: CalibrationSettings) -> NDArray[np.float32]:
    """The first `images` of the calibration split: float32 [images, 1, 32, 32]."""
    return task.inputs(task.calibration)[: settings.images]
