from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from quantbench.tasks.checks import finite
from tests.tasks.checks.case import evidence, pixels, samples, small


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_weight_that_is_not_finite_is_named(value: float) -> None:
    module = small()
    with torch.no_grad():
        next(module.parameters())[0, 0] = value
    (wrong,) = finite.weights_not_finite(evidence(module))
    assert wrong.sentence == "the weights '1.weight' hold NaN or infinity"
    assert not list(finite.weights_not_finite(evidence()))


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_samples_that_are_not_finite_are_counted(value: float) -> None:
    spoilt = pixels(100, 1, 3, 4, 4)
    spoilt[::50, 0, 0, 0] = value
    (wrong,) = finite.inputs_not_finite(evidence(calibration=samples("calibration", spoilt)))
    assert wrong.sentence.startswith("2.0% of the calibration samples")
    assert not list(finite.inputs_not_finite(evidence()))


class Logarithm(nn.Module):
    def forward(self, image: Tensor) -> Tensor:
        return torch.log(image.flatten(1)[:, :5])


def test_answers_that_are_not_finite_stop_a_study() -> None:
    (wrong,) = finite.outputs_not_finite(evidence(Logarithm()))
    assert wrong.stops
    assert not list(finite.outputs_not_finite(evidence()))
