"""The C of one node, in pieces, before it is put into a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from quantbench.c99.ir.weights import PackedWeights


@dataclass(frozen=True)
class Structure:
    """The constants of one layer as a C structure, for the kernel of its kind.

    A field whose value is text points to another constant.
    """

    kind: str
    name: str
    fields: Mapping[str, str | int]


@dataclass(frozen=True)
class Code:
    """The portable C of one step: constants, calls, and the names of the kernels that they need.

    `weights`, `tables`: bytes of weights and of other constants. `workspace`: bytes that its calls
    need at MODEL_WORKSPACE. `headers`: of the C library. `arrays`: weights that may be written in
    another form than as C.
    """

    constants: str
    calls: tuple[str, ...]
    kernels: tuple[str, ...]
    weights: int = 0
    tables: int = 0
    structures: tuple[Structure, ...] = ()
    workspace: int = 0
    headers: tuple[str, ...] = ()
    arrays: tuple[PackedWeights, ...] = ()
