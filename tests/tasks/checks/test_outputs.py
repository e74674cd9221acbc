from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from quantbench.tasks.checks import outputs
from tests.tasks.checks.case import evidence, pixels, samples, small


class Argmax(nn.Module):
    def forward(self, image: Tensor) -> Tensor:
        return image.flatten(1).argmax(1)


def test_an_argmax_at_the_end_is_named() -> None:
    assert [found.code for found in outputs.integer_outputs(evidence(Argmax()))] == [
        "integer-outputs"
    ]
    assert not list(outputs.integer_outputs(evidence()))


@pytest.mark.parametrize(
    ("last", "code"),
    [(nn.Softmax(1), "probabilities"), (nn.Sigmoid(), None), (nn.LogSoftmax(1), None)],
    ids=["softmax", "sigmoid", "log softmax"],
)
def test_a_softmax_at_the_end_is_named(last: nn.Module, code: str | None) -> None:
    found = [found.code for found in outputs.probabilities(evidence(nn.Sequential(small(), last)))]
    assert found == ([code] if code else [])


def test_plain_scores_are_no_probabilities() -> None:
    assert not list(outputs.probabilities(evidence()))


class Dead(nn.Module):
    """The scores of no input: what is left when weights aren't loaded, or are all 0."""

    def forward(self, image: Tensor) -> Tensor:
        return 0 * image.flatten(1)[:, :5] + torch.arange(5)


class Stuck(nn.Module):
    def forward(self, image: Tensor) -> Tensor:
        return image.flatten(1)[:, :5] + 100 * torch.eye(5)[2]


def test_the_same_answer_to_all_is_named() -> None:
    (dead,) = outputs.constant_outputs(evidence(Dead()))
    assert dead.sentence == "the network answers the same to every sample"
    (stuck,) = outputs.constant_outputs(evidence(Stuck()))
    assert stuck.sentence.startswith("the network answers class 2 to all 300 samples")
    assert not list(outputs.constant_outputs(evidence()))


def test_the_same_answer_to_the_same_sample_is_right() -> None:
    alike = samples("test", pixels(1, 1, 3, 4, 4).repeat(50, axis=0))
    assert not list(outputs.constant_outputs(evidence(test=alike)))
