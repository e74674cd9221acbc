"""Training recipes: every number that training depends on, except the seed.

docs/training.md reports what each ingredient of the default is worth on the validation split.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from quantbench.errors import UnknownNameError
from quantbench.system.record import Settings


class Recipe(Settings):
    """Hyperparameters of one training."""

    optimizer: Literal["sgd", "muon"]
    lr: float = Field(gt=0, description="highest learning rate of SGD, or of Muon")
    adam_lr: float = Field(
        default=0.01, gt=0, description="highest learning rate of AdamW, beside Muon"
    )
    momentum: float = Field(default=0.0, ge=0, lt=1, description="momentum of SGD, or of Muon")
    weight_decay: float = Field(default=0.0, ge=0, description="weight decay of SGD, or of AdamW")
    batch: int = Field(default=64, gt=0)
    epochs: int = Field(default=3, gt=0)
    schedule: Literal["constant", "one_cycle"] = "constant"
    warm_up: float = Field(
        default=0.1, gt=0, lt=1, description="share of steps to the highest rate"
    )
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    shift: int = Field(default=0, ge=0, le=4, description="random shift, pixels each way")


RECIPES = {
    "default": Recipe(
        optimizer="muon",
        lr=0.02,
        momentum=0.95,
        weight_decay=0.01,
        batch=96,
        schedule="one_cycle",
        label_smoothing=0.05,
        shift=1,
    ),
    "reference": Recipe(optimizer="sgd", lr=0.01, momentum=0.5),
}
_START = 0.04


def recipe(name: str) -> Recipe:
    """The recipe called `name`. Raises UnknownNameError."""
    if name not in RECIPES:
        raise UnknownNameError("recipe", name, RECIPES)
    return RECIPES[name]


def rate(recipe: Recipe, done: float) -> float:
    """The learning rate, as a share of the highest, after the share `done` of all steps.

    0 <= done < 1. one_cycle (Smith and Topin 2018) has linear legs: from 4 % up to 1, then down
    to 0.
    """
    if recipe.schedule == "constant":
        return 1.0
    if done < recipe.warm_up:
        return _START + (1 - _START) * done / recipe.warm_up
    return (1 - done) / (1 - recipe.warm_up)


def beta1(rate: float) -> float:
    """AdamW's beta1, which runs against the rate: 0.95 at 4 % and below, 0.85 at the highest."""
    return 0.95 - 0.1 * max(rate - _START, 0) / (1 - _START)
