from __future__ import annotations

import gc
import io
import sys
import time

import pytest
from rich.console import Console

from quantbench.cli.progress import TerminalProgress
from quantbench.system import progress as contract

HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"


def terminal():
    return Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)


def written(console):
    return console.file.getvalue()


def test_is_a_progress():
    progress: contract.Progress = TerminalProgress(terminal())
    assert list(progress.each([1, 2, 3], "counting", 3)) == [1, 2, 3]


def test_a_finished_bar_stays():
    console = terminal()
    with TerminalProgress(console) as progress:
        list(progress.each(range(5), "counting", 5))
    assert written(console).count(HIDE) == written(console).count(SHOW) == 1
    last = written(console).splitlines()[-1]
    assert "counting" in last
    assert "5 of 5" in last
    assert "stopped" not in last


def test_fewer_items_than_said_is_still_finished():
    console = terminal()
    list(TerminalProgress(console).each(range(3), "rounds", 20))
    assert "3 of 3" in written(console).splitlines()[-1]


def test_no_items():
    console = terminal()
    assert list(TerminalProgress(console).each([], "nothing", 0)) == []
    assert "0 of 0" in written(console).splitlines()[-1]


def test_nested_and_repeated():
    console = terminal()
    with TerminalProgress(console) as progress:
        for _ in progress.each(range(2), "outer", 2):
            list(progress.each(range(3), "inner", 3))
        list(progress.each(range(4), "again", 4))
    text = written(console)
    assert text.count(HIDE) == text.count(SHOW) == 2
    for line in ("3 of 3", "2 of 2", "4 of 4"):
        assert line in text


def test_interrupt_passes_and_gives_the_cursor_back():
    console = terminal()

    def interrupted():
        with TerminalProgress(console) as progress:
            for number in progress.each(range(9), "counting", 9):
                if number == 4:
                    raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert written(console).count(HIDE) == written(console).count(SHOW)
    assert "stopped" in written(console).splitlines()[-1]


def test_an_interrupt_within_the_items_passes_too():
    console = terminal()

    def items():
        yield 1
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(TerminalProgress(console).each(items(), "counting", 9))
    assert written(console).count(HIDE) == written(console).count(SHOW)
    assert "1 of 9" in written(console).splitlines()[-1]


def test_standard_error_is_given_back():
    before = sys.stderr
    progress = TerminalProgress(terminal())
    for _ in progress.each(range(3), "counting", 3):
        break
    gc.collect()
    assert sys.stderr is before


def test_descriptions_are_not_markup():
    console = terminal()
    list(TerminalProgress(console).each([1], "[red]x[/red]", 1))
    assert "[red]x[/red]" in written(console)


def test_anywhere_else_one_plain_line():
    console = Console(file=io.StringIO(), force_terminal=False, width=80)
    with TerminalProgress(console) as progress:
        list(progress.each(range(5), "counting [b]", 9))
        progress.log("a line " * 20)
    first, second = written(console).splitlines()
    assert first.startswith("counting [b]: 5 of 5 in 0.")
    assert second == "a line " * 20
    assert "\x1b" not in written(console)


def test_a_forced_colour_makes_no_terminal(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    list(TerminalProgress().each(range(5), "counting", 5))
    err = capsys.readouterr().err
    assert err.startswith("counting: 5 of 5")
    assert "\x1b[?25l" not in err


def test_no_color_is_heeded(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    list(TerminalProgress(console).each(range(5), "counting", 5))
    assert "\x1b[3" not in written(console)
    assert "\x1b[9" not in written(console)


def test_costs_little():
    console = terminal()
    start = time.perf_counter()
    for _ in TerminalProgress(console).each(range(100_000), "counting", 100_000):
        pass
    assert time.perf_counter() - start < 2
    assert written(console).count("counting") < 30


def test_the_item_at_hand_is_named_while_it_lasts():
    console = terminal()
    rows = ["static on torch", "float32 on openvino"]
    seen = []
    for _ in TerminalProgress(console).each(rows, "measuring", 2, str.upper):
        time.sleep(0.11)
        seen.append("".join(written(console).splitlines()[-1:]))
    assert "measuring: STATIC ON TORCH" in seen[0]
    assert "measuring: FLOAT32 ON OPENVINO" in seen[1]
    last = written(console).splitlines()[-1]
    assert "measuring " in last
    assert "OPENVINO" not in last
