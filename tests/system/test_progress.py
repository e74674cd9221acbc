"""How lines and loops of a long step are handed on."""

from __future__ import annotations

import pytest

from quantbench.system.progress import Kept, Lines
from tests.progress import Recorded


def test_kept_lines_are_handed_on() -> None:
    shown = Recorded()
    kept = Kept(shown)
    kept.log("one")
    assert [*kept.each("ab", "letters", 2, str.upper)] == ["a", "b"]
    with kept.waiting("a library"):
        kept.log("two")
    assert kept.lines == shown.lines == ["one", "two"]
    assert shown.loops == [("letters", 2, ["A", "B"])]


def test_lines_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    Lines().log("a note")
    assert capsys.readouterr() == ("", "a note\n")
