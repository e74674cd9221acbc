"""Structures of the layers of a kind: a number that is the same in all of them stands in the
kernel's text, and the others take no more bytes than they need.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from quantbench.c99.emit.c_syntax import number, wrapped

_POINTERS = {
    "weights": "const weight_t *", "numbers": "const int32_t *", "m": "const int32_t *",
    "shift": "const uint8_t *",
}  # fmt: skip
_NUMBERS = {"int32_t ": range(-(2**31), 2**31), "uint16_t ": range(2**16), "uint8_t ": range(2**8)}


@dataclass(frozen=True)
class Structure:
    """Of one layer. A field whose value is text is a pointer."""

    kind: str
    name: str
    fields: Mapping[str, str | int]


@dataclass(frozen=True)
class Kind:
    """`types`: of the fields. `shared`: the numbers that are fields no longer."""

    name: str
    types: Mapping[str, str]
    shared: Mapping[str, int]

    def declared(self) -> str:
        fields = "".join(f"    {type}{field};\n" for field, type in self.types.items())
        weight = "int16_t" if self.name.endswith("_wide") else "int8_t"
        return f"typedef struct {{\n{fields}}} {self.name}_layer;\n".replace("weight_t", weight)

    def defined(self, structure: Structure) -> str:
        values = (
            f".{field} = {value if isinstance(value, str) else number(value)}"
            for field, value in structure.fields.items()
            if field in self.types
        )
        return f"static const {self.name}_layer {structure.name} = {{\n{wrapped(values)}\n}};\n"

    def resolved(self, kernel: str) -> str:
        """The kernel's text, behind its structure."""

        def value(found: re.Match[str]) -> str:
            if found[1] not in self.shared:
                return found[0]
            text = number(self.shared[found[1]])
            return f"({text})" if text.startswith("-") else text

        return self.declared() + "\n" + re.sub(r"\bl->(\w+)\b", value, kernel)


def kinds(structures: Iterable[Structure]) -> dict[str, Kind]:
    found: dict[str, list[Structure]] = {}
    for one in structures:
        found.setdefault(one.kind, []).append(one)
    return {name: _kind(name, many) for name, many in found.items()}


def _kind(name: str, many: list[Structure]) -> Kind:
    """Where all numbers are shared the first stays, for C99 knows no empty structure."""
    columns = {field: [one.fields[field] for one in many] for field in many[0].fields}
    shared = {
        field: values[0]
        for field, values in columns.items()
        if isinstance(values[0], int) and len(set(values)) == 1
    }
    if len(shared) == len(columns):
        shared.pop(next(iter(shared)))
    types = {field: _type(field, columns[field]) for field in columns if field not in shared}
    order = [*_POINTERS.values(), *_NUMBERS]  # widest first: no bytes between
    return Kind(name, dict(sorted(types.items(), key=lambda one: order.index(one[1]))), shared)


def _type(field: str, values: list[str | int]) -> str:
    """The narrowest that holds them."""
    fit = [
        type
        for type, limits in _NUMBERS.items()
        if all(isinstance(value, int) and value in limits for value in values)
    ]
    return fit[-1] if fit else _POINTERS[field]
