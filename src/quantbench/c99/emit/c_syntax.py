"""Pieces of C: arrays, structures, comments. No name of the model stands in code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

_WIDTH = 98


def comment(name: str) -> str:
    """A name from outside as text for a comment: nothing in it can end one."""
    return quote(name, safe="/_.:-")[:200]


@cache
def kernel(name: str) -> str:
    return (resources.files("quantbench.c99") / "kernels" / f"{name}.h").read_text("utf-8")


def array(type: str, name: str, values: NDArray[Any] | Iterable[int]) -> str:
    """`static const type name[] = {...};`, of integers or finite float32."""
    flat = values.ravel() if isinstance(values, np.ndarray) else values
    written = real if type == "float" else number
    return f"static const {type} {name}[] = {{\n{wrapped(written(one) for one in flat)}\n}};\n"


def aligned(text: str) -> str:
    """The array with its begin where wide registers load it fastest."""
    return text.replace("[] =", "[] __attribute__((aligned(64))) =", 1)


def real(value: float) -> str:
    """A float32 constant: C99 promises that one in base 16 is read exactly."""
    digits, exponent = float(value).hex().split("p")
    digits = digits.rstrip("0")
    return f"{digits.rstrip('.')}p{exponent}F"


def wrapped(items: Iterable[str]) -> str:
    lines, line = [], " "
    for item in items:
        if len(line) + len(item) + 2 > _WIDTH:
            lines.append(line)
            line = " "
        line += f" {item},"
    return "\n".join([*lines, line]).rstrip(",")


def structure(type: str, name: str, fields: Mapping[str, str | int]) -> str:
    items = (f".{field} = {value}" for field, value in fields.items())
    return f"static const {type} {name} = {{\n{wrapped(items)}\n}};\n"


def number(value: int) -> str:
    """-2**31 can't be written as one constant."""
    return "INT32_MIN" if value == -(2**31) else str(int(value))
