"""What reaches a terminal, whatever names, messages and encodings there are."""

from __future__ import annotations

import ast
import io
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table

import quantbench
from quantbench.system.terminal import (
    Terminal,
    encodable,
    harmless,
    one_line,
)

HOSTILE = ["[/nope]", "[red]x[/red]", "\x1b[2J\x1b[31m", "a\nb\rc", "\x9b31m", "a\u202eb",
           ":smile:", "\x7f\x00\t", "\ud800", "\u2028", "é×–µ"]  # fmt: skip
"""Names that markup, a terminal or an encoding would take for something else."""


def shown(text: object, encoding: str = "utf-8", width: int = 80) -> str:
    raw = io.BytesIO()
    console = Terminal(file=io.TextIOWrapper(raw, encoding=encoding, newline=""))
    console.width = width
    console.print(text)
    console.file.flush()
    return raw.getvalue().decode(encoding)


@given(st.text())
def test_nothing_that_is_obeyed_is_left(text: str) -> None:
    for letter in harmless(text):
        assert unicodedata.category(letter) not in {"Cc", "Cs", "Zl", "Zp"}
        assert letter not in "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    assert len(harmless(text)) == len(text)


@pytest.mark.parametrize("name", ["plain.png", "é.png", "\u202f.png", "家.png", "👩\u200d🔬"])
def test_names_of_all_alphabets_stay(name: str) -> None:
    assert harmless(name) == one_line(name) == name


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1", "cp1252"])
def test_text_is_shown_as_text_in_any_encoding(name: str, encoding: str) -> None:
    table = Table(name, "×")
    table.add_row(name, "1")
    for out in (shown(name, encoding), shown(table, encoding)):
        assert all(letter == "\n" or harmless(letter) == letter for letter in out)
        assert (name in out) == (name.isprintable() and encodable(name, encoding) == name)


def test_what_ascii_lacks_is_what_looks_alike() -> None:
    text = "1.2×3–4 −5 µs … 'é' 家"
    assert encodable(text, "ascii") == "1.2x3-4 -5 us . '?' ??"
    assert encodable(text, "utf-8") == text


def test_one_line_stays_one() -> None:
    console = Terminal(file=io.StringIO())
    console.say("a\n  b\r\nc " + 300 * "x" + "\n")
    assert console.file.getvalue() == f"a b c {300 * 'x'}\n"  # type: ignore[attr-defined]


def test_there_is_one_way_to_the_terminal() -> None:
    root = Path(quantbench.__file__).parent
    makers = {
        path.name
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"Console", "print"}
    }
    assert makers == set()
