"""Structure types of the layers of a kind, specialized to the network.

A number that is the same in all layers becomes a constant; the others get the narrowest type.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from quantbench.c99.emit.c_syntax import CWriter, number, structure
from quantbench.c99.emit.instances import Macros
from quantbench.c99.ir.code import Structure

_POINTERS = {
    "weights": "const int8_t *",
    "weights_w16": "const int16_t *",
    "numbers": "const int32_t *",
    "m": "const int32_t *",
    "shift": "const uint8_t *",
}
_NUMBERS = {"int32_t ": range(-(2**31), 2**31), "uint16_t ": range(2**16), "uint8_t ": range(2**8)}
_ORDER = [*_POINTERS.values(), *_NUMBERS]
"""Widest first: no bytes lie between the fields."""


@dataclass(frozen=True)
class Kind:
    """The structure type of all layers of a kind.

    `types`: the type of each field. `shared`: numbers that all layers have in common, which are
    constants instead of fields.
    """

    name: str
    types: Mapping[str, str]
    shared: Mapping[str, int]

    @property
    def type(self) -> str:
        """The name of the structure type in C."""
        return f"model_{self.name}_layer"

    def declare(self, c: CWriter, macros: Macros) -> None:
        """Write the type, and the macros by which the kernel reads its fields."""
        with c.block("typedef struct", f" {self.type};"):
            for field, type in self.types.items():
                c.line(f"{type}{field};")
        c.blank()
        c.line("/* A number of a layer: a field of its structure `l`, or what all layers share. */")
        for field in (*self.types, *self.shared):
            kind = self.name.removesuffix("_w16").upper()
            macros.define(c, f"MODEL_{kind}_{field.upper()}", self._read(field))
        c.blank()

    def _read(self, field: str) -> str:
        if field not in self.shared:
            return f"(l->{field})"
        text = number(self.shared[field])
        return f"({text})" if text.startswith("-") else text

    def defined(self, layer: Structure) -> str:
        """The constant that holds a layer's numbers."""
        fields = {field: layer.fields[field] for field in layer.fields if field in self.types}
        return structure(self.type, layer.name, fields)


def kinds(structures: Iterable[Structure]) -> dict[str, Kind]:
    """The structure types of a network by their kind."""
    by_kind: dict[str, list[Structure]] = {}
    for layer in structures:
        by_kind.setdefault(layer.kind, []).append(layer)
    return {name: _kind(name, layers) for name, layers in by_kind.items()}


def _kind(name: str, layers: list[Structure]) -> Kind:
    """The type of one kind. At least one number stays a field, as C99 has no empty structure."""
    columns = {field: [layer.fields[field] for layer in layers] for field in layers[0].fields}
    shared = {
        field: values[0]
        for field, values in columns.items()
        if isinstance(values[0], int) and len(set(values)) == 1
    }
    if len(shared) == len(columns):
        shared.pop(next(iter(shared)))
    types = {
        field: _type(name, field, values)
        for field, values in columns.items()
        if field not in shared
    }
    return Kind(name, dict(sorted(types.items(), key=lambda item: _ORDER.index(item[1]))), shared)


def _type(kind: str, field: str, values: list[str | int]) -> str:
    """The narrowest C type that holds all values of a field."""
    fit = [
        type
        for type, limits in _NUMBERS.items()
        if all(isinstance(value, int) and value in limits for value in values)
    ]
    if fit:
        return fit[-1]
    return _POINTERS[f"{field}_w16" if kind.endswith("_w16") and field == "weights" else field]
