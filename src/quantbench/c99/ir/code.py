"""The C of one node, in pieces, before it is put into a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Structure:
    """The numbers of one layer, for the kernel of its kind. A field whose value is text is a
    pointer.
    """

    kind: str
    name: str
    fields: Mapping[str, str | int]


@dataclass(frozen=True)
class Code:
    """The portable C of one step: constants, calls, the kernels that they need, and the bytes of
    weights and of other constants. `workspace`: bytes that its calls need there.
    """

    constants: str
    calls: tuple[str, ...]
    kernels: tuple[str, ...]
    weights: int = 0
    tables: int = 0
    structures: tuple[Structure, ...] = ()
    workspace: int = 0
