from __future__ import annotations

from typing import Any

import pytest

from quantbench.errors import UsageError
from quantbench.results.limits import Drop, Limits, limits
from tests.report.builder import ACCURACY, SQUARED


@pytest.mark.parametrize(
    ("given", "field", "value"),
    [
        ({"max_size": "80kB"}, "max_size", 80_000),
        ({"max_size": "64 KiB"}, "max_size", 65_536),
        ({"max_size": 1_000}, "max_size", 1_000),
        ({"max_latency": "50us"}, "max_latency", 50),
        ({"max_latency": "1.5 ms"}, "max_latency", 1_500),
        ({"max_latency": 1e-3}, "max_latency", 1e-3),
        ({"max_drop": "0.1"}, "max_drop", Drop(0.001)),
        ({"max_drop": 0.1}, "max_drop", Drop(0.001)),
        ({"max_drop": "0.1 points"}, "max_drop", Drop(0.001)),
        ({"max_drop": "2%"}, "max_drop", Drop(0.02, relative=True)),
    ],
)
def test_a_limit_is_read_with_its_unit(given: dict[str, Any], field: str, value: object) -> None:
    read = limits(ACCURACY, **given)
    assert getattr(read, field) == pytest.approx(value) if not isinstance(value, Drop) else True
    if isinstance(value, Drop):
        assert read.max_drop is not None
        assert (read.max_drop.relative, read.max_drop.value) == (
            value.relative, pytest.approx(value.value)
        )  # fmt: skip


def test_a_drop_of_another_metric_is_in_its_own_unit() -> None:
    assert limits(SQUARED, max_drop="0.1") == Limits(max_drop=Drop(0.1))
    assert limits(SQUARED, max_drop="1%").max_drop == Drop(0.01, relative=True)
    assert Drop(0.01, relative=True).of(-5.0) == pytest.approx(0.05)
    with pytest.raises(UsageError, match=r"--max-drop '0.1pp': write it as 0.1, or 1%"):
        limits(SQUARED, max_drop="0.1pp")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"max_size": "80"}, "--max-size '80': write it with its unit, as 80kB or 64KiB"),
        ({"max_size": "80us"}, "--max-size '80us': write it with its unit"),
        ({"max_size": "+80kB"}, "--max-size '+80kB': write it as 80kB"),
        ({"max_size": -1}, "--max-size '-1': write it as 80kB"),
        ({"max_size": float("nan")}, "--max-size 'nan': write it as"),
        ({"max_latency": "fast"}, "--max-latency 'fast': write it as 50us or 2ms"),
        ({"max_drop": "0.1us"}, "--max-drop '0.1us': write it as 0.1, in points"),
        ({"minimize": "bytes"}, "--minimize 'bytes': write one of latency, size, drop"),
        ({"batch": 0}, "--batch 0"),
    ],
)
def test_what_is_no_limit_is_refused_by_name(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        limits(ACCURACY, **given)
    assert str(caught.value).startswith(message)
    assert caught.value.exit_code == 2
