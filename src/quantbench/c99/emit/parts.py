"""The C of a network in parts: a function for each stage and thread, in tables that a caller walks.

It has no thread in it, and stands beside model.c: what they share is in model.h.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from quantbench.c99.emit.c_syntax import CWriter
from quantbench.c99.emit.data_file import DataFile
from quantbench.c99.emit.translation_unit import (
    Language,
    Layer,
    Memory,
    calls,
    constants_and_kernels,
    memory,
)
from quantbench.c99.target.isa import Isa

PARTS_WEIGHTS, PARTS_ARRAYS = "parts.c.bin", "parts_weights.h"
_LINE = 64
"""Bytes between the workspaces of two threads: no line of a cache is written by both."""


@dataclass(frozen=True)
class Piece:
    """The part of a layer that one thread computes. `identifier`: the prefix of its constants."""

    identifier: str
    layer: Layer


Stages = Sequence[Sequence[Sequence[Piece]]]
"""The pieces of each thread in each stage, in their order."""


@dataclass(frozen=True)
class Parts:
    """The files of a network in parts, and the bytes of scratch memory that all of them need."""

    files: dict[str, str]
    scratch: int
    count: int
    data: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def all_files(self) -> dict[str, str | bytes]:
        """Text and data, by the files' names."""
        return {**self.files, **self.data}


def parts(
    stages: Stages,
    tensors: int,
    language: Language,
    isas: Sequence[Isa],
    count: int,
    weights: DataFile | None = None,
) -> Parts:
    """parts.h and parts.c. `tensors`: bytes of scratch memory that the plan needs.

    `weights`: the file that gets those that model.c doesn't have; None: they are arrays.
    """
    layers = [piece.layer for stage in stages for own in stage for piece in own]
    scratch = memory(layers, tensors, language)
    own = -(-scratch.workspace // _LINE) * _LINE
    c = CWriter()
    constants_and_kernels(c, layers, language, isas, includes=("parts.h",), weights=weights)
    parameters = language.run.partition("(")[2].rstrip(")")
    for thread in range(count):
        begin = (scratch.begin + thread * own) // language.unit
        if thread:
            c.undefine("MODEL_WORKSPACE")
        c.define("MODEL_WORKSPACE", f"(scratch + {begin})")
        c.blank()
        for number, stage in enumerate(stages):
            if stage[thread]:
                with c.function(f"static void {_name(number, thread)}({parameters})"):
                    for name in parameters.split(","):
                        c.line(f"(void){name.rpartition('*')[2]};")
                    for piece in stage[thread]:
                        calls(c, piece.layer, isas)
    with c.block("const model_stage model_stages[MODEL_STAGES][MODEL_PARTS] =", ";"):
        for number, stage in enumerate(stages):
            names = (_name(number, at) if own else "NULL" for at, own in enumerate(stage))
            c.line(f"{{{', '.join(names)}}},")
    files = {"parts.h": _header(len(stages), count, parameters), "parts.c": c.finished()}
    whole = Memory(scratch.tensors, scratch.begin, own * count)
    if weights is None:
        return Parts(files, whole.bytes, count)
    files[PARTS_ARRAYS] = weights.arrays
    return Parts(files, whole.bytes, count, {PARTS_WEIGHTS: weights.content})


def _name(stage: int, thread: int) -> str:
    return f"model_stage_{stage}_{thread}"


def _header(stages: int, count: int, parameters: str) -> str:
    return (
        "/* The network in parts. In each stage, parts may run at the same time; the next begins\n"
        "   when all have ended. NULL: nothing is to do. */\n"
        '#include "model.h"\n\n'
        f"#define MODEL_STAGES {stages}\n#define MODEL_PARTS {count}\n\n"
        f"typedef void (*model_stage)({parameters});\n"
        "extern const model_stage model_stages[MODEL_STAGES][MODEL_PARTS];\n"
    )
