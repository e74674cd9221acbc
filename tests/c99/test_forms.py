"""2,000 networks in the forms that quantizers write, none beyond its proved bound."""

from __future__ import annotations

import pytest

from tests.c99.fuzz import BLOCK, check
from tests.c99.spelling import FORMS

FEW = 8
EACH = 400


@pytest.mark.parametrize("form", FORMS)
def test_a_few(form: str) -> None:
    check(form, EACH, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, EACH, BLOCK))
@pytest.mark.parametrize("form", FORMS)
def test_many(form: str, first: int) -> None:
    check(form, first)
