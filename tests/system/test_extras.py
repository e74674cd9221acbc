"""What is said of a library that comes with an extra and isn't there."""

from __future__ import annotations

import pytest

from quantbench.system.extras import why_missing


@pytest.mark.parametrize("extra", ["engines", "cluster"])
def test_a_missing_library_is_named_with_the_extra_that_brings_it(extra: str) -> None:
    assert why_missing("no_such_library", extra) == (
        f"no_such_library is not installed; pip install -e '.[{extra}]'"
    )


def test_of_a_library_that_is_there_nothing_is_said() -> None:
    assert why_missing("numpy") is None
