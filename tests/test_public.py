"""The names that `import quantbench` offers."""

from __future__ import annotations

import inspect
from pathlib import Path

import quantbench as qb


def test_every_public_name_is_there() -> None:
    assert sorted(qb.__all__) == sorted(qb._HOMES)
    for name in qb.__all__:
        value = getattr(qb, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert (value.__module__, value.__name__) == (f"quantbench.{qb._HOMES[name]}", name)


def test_public_names_are_those_that_a_type_checker_sees() -> None:
    text = Path(qb.__file__).read_text(encoding="utf-8")
    block = text.partition("if TYPE_CHECKING:\n")[2].partition("\n\n")[0]
    seen = {
        name.strip(): line.partition("from quantbench.")[2].partition(" import ")[0]
        for line in block.splitlines()
        for name in line.partition(" import ")[2].split(",")
    }
    assert seen == qb._HOMES
