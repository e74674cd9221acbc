"""Pieces of C: constants, arrays, structures, comments, and the writer of blocks."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

_WIDTH = 98
_INDENT = "    "
_FEW_VALUES = 2**10
"""So few numbers are written once each, also where not all of them occur."""


class CWriter:
    """Lines of C, indented by the blocks that they stand in.

    with c.function("static void f(int *out)"):
        with c.loop("y", 4):
            c.line("out[y] = y;")
    """

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._depth = 0

    def line(self, text: str) -> None:
        """Append one line at the current depth; an empty `text` gives an empty line."""
        self._lines.append(f"{_INDENT * self._depth}{text}" if text else "")

    def text(self, text: str) -> None:
        """Append finished C, which keeps its own indentation."""
        self._lines += text.rstrip("\n").split("\n")

    def blank(self) -> None:
        """Append an empty line, unless the text is empty or ends with one."""
        if self._lines and self._lines[-1]:
            self._lines.append("")

    @contextmanager
    def block(self, head: str = "", tail: str = "") -> Iterator[None]:
        """`head {`, what is written inside, and `}` with `tail` behind it."""
        self.line(f"{head} {{".lstrip())
        self._depth += 1
        yield
        self._depth -= 1
        self.line(f"}}{tail}")

    def loop(self, variable: str, count: int | str, step: int = 1) -> AbstractContextManager[None]:
        """A for loop in which `variable`, an int, counts from 0 up to `count`, excluded."""
        advance = f"{variable}++" if step == 1 else f"{variable} += {step}"
        return self.block(f"for (int {variable} = 0; {variable} < {count}; {advance})")

    @contextmanager
    def function(self, head: str) -> Iterator[None]:
        """A definition: its brace stands on a line of its own, an empty line follows."""
        self.line(head)
        with self.block():
            yield
        self.blank()

    @contextmanager
    def when(self, condition: str) -> Iterator[None]:
        """Lines between #if and #endif; none where `condition` is empty."""
        if condition:
            self.directive(f"if {condition}")
        yield
        if condition:
            self._lines.append("#endif")

    def define(self, macro: str, value: int | str) -> None:
        """Append a #define, never indented."""
        self._lines.append(f"#define {macro} {value}".rstrip())

    def undefine(self, macro: str) -> None:
        """Append an #undef. `macro` may stand with its parameters."""
        self._lines.append(f"#undef {macro.partition('(')[0]}")

    def directive(self, text: str) -> None:
        """A line of the preprocessor, which is never indented; a long condition goes on below."""
        line, *more = text.split(" || ") if len(text) > _WIDTH else [text]
        rows = [f"#{line}"]
        for term in more:
            if len(rows[-1]) + len(term) + 6 > _WIDTH:
                rows[-1] += " || \\"
                rows.append(f"{_INDENT}{term}")
            else:
                rows[-1] += f" || {term}"
        self._lines += rows

    def finished(self) -> str:
        """All of the text, ending in one newline; "" where nothing was written."""
        return "\n".join(self._lines).rstrip("\n") + "\n" if self._lines else ""


def array(
    type: str, name: str, values: NDArray[Any] | Iterable[int], *, aligned: bool = False
) -> str:
    """`static const type name[] = {...};`, of integers or finite float32.

    `aligned`: the array begins where wide registers load it fastest.
    """
    flat = values.ravel() if isinstance(values, np.ndarray) else values
    attribute = " __attribute__((aligned(64)))" if aligned else ""
    if isinstance(flat, np.ndarray) and flat.dtype.kind in "iu" and flat.size:
        items = _wrapped_integers(flat.astype(np.int64))
    else:
        items = wrapped((real if type == "float" else number)(value) for value in flat)
    return f"static const {type} {name}[]{attribute} = {{\n{items}\n}};\n"


def _wrapped_integers(values: NDArray[np.int64]) -> str:
    """`wrapped` of the numbers [N], N > 0, a line at a time: large networks have millions."""
    low, high = int(values.min()), int(values.max())
    if high - low < _FEW_VALUES:
        kinds, kind = np.arange(low, high + 1), values - low
    else:
        kinds, kind = np.unique(values, return_inverse=True)
    texts = [f"{number(value)}," for value in kinds.tolist()]
    items = [texts[index] for index in kind.tolist()]
    widths = np.array([len(text) + 1 for text in texts])
    ends = np.cumsum(widths[kind]).tolist()
    lines, begin, before = [], 0, 0
    while begin < len(items):
        end = bisect_right(ends, before + _WIDTH - 1, begin)
        lines.append(f"  {' '.join(items[begin:end])}")
        begin, before = end, ends[end - 1]
    return "\n".join(lines).rstrip(",")


def real(value: float) -> str:
    """A float32 constant: C99 promises that one in base 16 is read exactly."""
    digits, exponent = float(value).hex().split("p")
    digits = digits.rstrip("0")
    return f"{digits.rstrip('.')}p{exponent}F"


def wrapped(items: Iterable[str]) -> str:
    """Items separated by commas, in lines of at most 98 characters."""
    lines, line = [], " "
    for item in items:
        if len(line) + len(item) + 2 > _WIDTH:
            lines.append(line)
            line = " "
        line += f" {item},"
    return "\n".join([*lines, line]).rstrip(",")


def structure(type: str, name: str, fields: Mapping[str, str | int]) -> str:
    """`static const type name = {...};` with designated initializers."""
    items = (
        f".{field} = {value if isinstance(value, str) else number(value)}"
        for field, value in fields.items()
    )
    return f"static const {type} {name} = {{\n{wrapped(items)}\n}};\n"


def number(value: int) -> str:
    """An int32 constant; -2**31 can't be written as one."""
    return "INT32_MIN" if value == -(2**31) else str(int(value))
