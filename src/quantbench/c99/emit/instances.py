"""The C of kernels/, instantiated by the preprocessor.

A kernel file is C that reads macros: of the fields of its structure (`MODEL_CONV_STRIDE_W`), of its
types, of its name. The same text stands in a file a second time where a network needs it with other
macros: for weights of 16 bits, for sums that may tie, for registers of half the bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from quantbench.c99.emit.c_syntax import CWriter


@dataclass(frozen=True)
class Kernel:
    """A file of kernels/ with the macros that it reads.

    `renames`: its identifiers that have another name in this instance.
    """

    file: str
    macros: Mapping[str, str] = field(default_factory=dict)
    renames: Mapping[str, str] = field(default_factory=dict)


@cache
def kernel(file: str) -> str:
    """The text of kernels/FILE.h."""
    return (resources.files("quantbench.c99") / "kernels" / f"{file}.h").read_text("utf-8")


class Macros:
    """The macros that a file has defined so far, with their values."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def define(self, c: CWriter, macro: str, value: str) -> None:
        """Write the definition, unless the macro has this value already."""
        if self._values.get(macro) == value:
            return
        if macro in self._values:
            c.undefine(macro)
        c.define(macro, value)
        self._values[macro] = value


def instantiate(c: CWriter, instance: Kernel, macros: Macros) -> None:
    """Write the kernel behind the definitions that it reads."""
    for macro, value in instance.macros.items():
        macros.define(c, macro, value)
    for identifier, name in instance.renames.items():
        c.define(identifier, name)
    if instance.macros or instance.renames:
        c.blank()
    c.text(kernel(instance.file))
    for identifier in instance.renames:
        c.undefine(identifier)
    c.blank()
