from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from quantbench.errors import UnknownNameError
from quantbench.training.recipes import (
    RECIPES,
    Recipe,
    beta1,
    rate,
    recipe,
)


def test_the_reference_is_the_reports() -> None:
    reference = recipe("reference")
    assert (reference.optimizer, reference.lr, reference.momentum) == ("sgd", 0.01, 0.5)
    assert (reference.batch, reference.epochs, reference.schedule) == (64, 3, "constant")
    assert (reference.weight_decay, reference.label_smoothing, reference.shift) == (0, 0, 0)


def test_each_recipe_takes_three_epochs() -> None:
    assert {settings.epochs for settings in RECIPES.values()} == {3}
    assert {"default", "reference"} <= RECIPES.keys()


def test_an_unknown_recipe_gets_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="unknown recipe 'defalt'; did you mean 'default'"):
        recipe("defalt")


@pytest.mark.parametrize(
    "wrong",
    [{"lr": 0}, {"lr": -1}, {"lr": float("nan")}, {"batch": 0}, {"epochs": 0}, {"momentum": 1},
     {"shift": 5}, {"label_smoothing": 1}, {"optimizer": "lbfgs"}, {"warm_up": 1}, {"more": 1}],
    ids=str,
)  # fmt: skip
def test_a_number_that_can_not_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Recipe.model_validate({"optimizer": "sgd", "lr": 0.1} | wrong)


def test_a_constant_rate_stays() -> None:
    assert {rate(RECIPES["reference"], done / 7) for done in range(7)} == {1.0}


def one_cycle(warm_up: float) -> Recipe:
    return Recipe(optimizer="sgd", lr=0.5, schedule="one_cycle", warm_up=warm_up)


def test_one_cycle_goes_up_and_down() -> None:
    cycle = one_cycle(0.25)
    rates = [rate(cycle, done / 8) for done in range(8)]
    assert rates == pytest.approx([0.04, 0.52, 1.0, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6])


@given(
    warm_up=st.floats(0, 1, exclude_min=True, exclude_max=True),
    steps=st.integers(1, 500),
)
def test_every_step_has_a_rate_above_zero_and_up_to_one(warm_up: float, steps: int) -> None:
    rates = [rate(one_cycle(warm_up), step / steps) for step in range(steps)]
    assert all(0 < value <= 1 + 1e-12 for value in rates)
    top = rates.index(max(rates))
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)


def test_adams_momentum_runs_against_the_rate() -> None:
    assert beta1(0.04) == pytest.approx(0.95)
    assert beta1(1) == pytest.approx(0.85)
    assert beta1(0) == 0.95
