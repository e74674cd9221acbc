"""Pieces of C: constants, arrays, structures, comments, and the writer of blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

_WIDTH = 98
_INDENT = "    "
_BYTES_IN_LINE = 24
_MANY, _FEW_VALUES = 2**14, 2**12
"""So many numbers, of so few that may occur, are written in columns."""


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
    type: str,
    name: str,
    values: NDArray[Any] | Iterable[int],
    *,
    aligned: bool = False,
    attribute: str = "",
) -> str:
    """`static const type name[] = {...};`, of integers or finite float32.

    `aligned`: the array begins where wide registers load it fastest. `attribute`: text behind the
    brackets.
    """
    flat = values.ravel() if isinstance(values, np.ndarray) else values
    attribute = " __attribute__((aligned(64)))" if aligned else attribute
    if isinstance(flat, np.ndarray) and flat.size >= _MANY and flat.dtype.kind in "iu":
        few_kinds = int(flat.max()) - int(flat.min()) < _FEW_VALUES
        items = _columns(flat) if few_kinds else wrapped(map(number, flat))
    elif isinstance(flat, np.ndarray) and flat.size >= _MANY and flat.dtype == np.float32:
        items = _reals(flat)
    else:
        items = wrapped((real if type == "float" else number)(value) for value in flat)
    return f"static const {type} {name}[]{attribute} = {{\n{items}\n}};\n"


def byte_array(name: str, values: NDArray[np.int8]) -> str:
    """`static const int8_t name[N] = "...";`, aligned to 64 bytes, for GNU compilers.

    They read a string in a small part of the time and memory that as many numbers take.
    """
    table = np.array([f"\\{byte:03o}" for byte in range(256)], "S4").view(np.uint8).reshape(-1, 4)
    characters = table[values.ravel().view(np.uint8)]
    whole = values.size // _BYTES_IN_LINE * _BYTES_IN_LINE
    lines = np.empty((whole // _BYTES_IN_LINE, 4 * _BYTES_IN_LINE + 3), np.uint8)
    lines[:, 0] = lines[:, -2] = ord('"')
    lines[:, -1] = ord("\n")
    lines[:, 1:-2] = characters[:whole].reshape(len(lines), -1)
    rest = characters[whole:].tobytes().decode("ascii")
    head = f"static const int8_t {name}[{values.size}] __attribute__((aligned(64))) =\n"
    text = f'{head}{lines.tobytes().decode("ascii")}"{rest}";\n'
    return (
        "#pragma GCC diagnostic push\n"
        '#pragma GCC diagnostic ignored "-Woverlength-strings"\n'
        f"{text}"
        "#pragma GCC diagnostic pop\n"
    )


def _columns(values: NDArray[np.integer]) -> str:
    """The numbers [N] in columns, all at once: large networks have millions."""
    low, high = int(values.min()), int(values.max())
    width = max(len(number(low)), len(number(high))) + 2
    texts = [f"{number(value)},".rjust(width) for value in range(low, high + 1)]
    table = np.array(texts, f"S{width}").view(np.uint8).reshape(-1, width)
    return _in_lines(table[values.astype(np.int32) - low])


def _reals(values: NDArray[np.float32]) -> str:
    """Finite float32 [N] as `real` writes them, with all their digits, all at once."""
    bits = values.view(np.uint32)
    exponent, digits = bits >> 23 & 0xFF, (bits & 0x7FFFFF) << 1
    characters = np.full((len(values), 18), ord(" "), np.uint8)
    characters[:, 0] = np.where(bits >> 31, ord("-"), ord(" "))
    characters[:, 1:5] = np.frombuffer(b"0x1.", np.uint8)
    characters[:, 3] -= exponent == 0  # subnormal
    pairs = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), np.uint8)
    for place, shift in ((5, 16), (7, 8), (9, 0)):
        characters[:, place : place + 2] = pairs.reshape(256, 2)[digits >> shift & 0xFF]
    powers = np.array([f"p{max(power, 1) - 127}F,".ljust(7) for power in range(256)], "S7")
    characters[:, 11:] = powers.view(np.uint8).reshape(256, 7)[exponent]
    return _in_lines(characters)


def _in_lines(characters: NDArray[np.uint8]) -> str:
    """Items [N, width], which end in commas and spaces, in lines."""
    width = characters.shape[1]
    in_line = _WIDTH // width
    whole = len(characters) // in_line * in_line
    lines = np.full((whole // in_line, in_line * width + 1), ord("\n"), np.uint8)
    lines[:, :-1] = characters[:whole].reshape(len(lines), -1)
    text = lines.tobytes() + characters[whole:].tobytes()
    return text.decode("ascii").rstrip(", \n")


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
