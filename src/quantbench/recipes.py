"""Training recipes: every number that training depends on, but the seed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from quantbench.errors import UnknownNameError
from quantbench.records import Settings


class Recipe(Settings):
    optimizer: Literal["sgd", "adamw"]
    lr: float = Field(gt=0, description="the highest learning rate")
    momentum: float = Field(0.0, ge=0, lt=1, description="of SGD")
    weight_decay: float = Field(0.0, ge=0)
    batch: int = Field(64, gt=0)
    epochs: int = Field(3, gt=0)
    schedule: Literal["constant", "one_cycle"] = "constant"
    warm_up: float = Field(0.2, gt=0, lt=1, description="share of steps until the highest lr")
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    shift: int = Field(0, ge=0, le=4, description="random shift of each image, pixels each way")


RECIPES = {
    "default": Recipe(
        optimizer="adamw",
        lr=0.01,
        weight_decay=0.01,
        schedule="one_cycle",
        label_smoothing=0.05,
        shift=1,
    ),
    "reference": Recipe(optimizer="sgd", lr=0.01, momentum=0.5),
}


def recipe(name: str) -> Recipe:
    if name not in RECIPES:
        raise UnknownNameError("recipe", name, RECIPES)
    return RECIPES[name]


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """Of step 0 <= step < steps.

    one_cycle is Smith and Topin's (2018) with linear legs: from lr/25 up to lr, then down
    to lr/250,000.
    """
    if recipe.schedule == "constant":
        return recipe.lr
    low, end = recipe.lr / 25, recipe.lr / 250_000
    top = recipe.warm_up * steps - 1
    if step <= top:
        return low + (recipe.lr - low) * step / top
    return recipe.lr + (end - recipe.lr) * (step - top) / (steps - 1 - top)
