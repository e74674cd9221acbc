from __future__ import annotations

import pytest
from torch import nn

from quantbench.tasks.checks.mode import train_mode
from tests.tasks.checks.case import evidence, small


@pytest.mark.parametrize(
    ("module", "kind"),
    [
        (nn.Sequential(nn.Linear(2, 2), nn.Dropout()), "Dropout"),
        (nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)), "BatchNorm2d"),
        (nn.Sequential(nn.Linear(2, 2), nn.ReLU()), None),
    ],
)
def test_train_mode_is_named_where_it_matters(module: nn.Module, kind: str | None) -> None:
    found = [found.sentence for found in train_mode(evidence(handed=module.train()))]
    assert [kind in sentence for sentence in found] == ([True] if kind else [])
    assert not list(train_mode(evidence(handed=module.eval())))


def test_a_network_that_is_no_module_has_no_mode() -> None:
    assert not list(train_mode(evidence(small())))
