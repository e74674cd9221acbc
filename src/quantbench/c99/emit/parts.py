"""The C of a network in parts: a function for each stage and thread, in tables that a caller walks.

It has no thread in it, and stands beside model.c: what they share is in model.h.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from quantbench.c99.emit.c_syntax import CWriter
from quantbench.c99.emit.translation_unit import (
    Language,
    Layer,
    Memory,
    SimdCode,
    calls,
    constants_and_kernels,
    memory,
)
from quantbench.c99.emit.weights import text
from quantbench.c99.ir.code import Code
from quantbench.c99.ir.weights import Constants
from quantbench.c99.target.isa import Isa

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


def parts(
    stages: Stages, tensors: int, language: Language, isas: Sequence[Isa], count: int
) -> Parts:
    """parts.h and parts.c. `tensors`: bytes of scratch memory that the plan needs."""
    layers = [piece.layer for stage in stages for own in stage for piece in own]
    scratch = memory(layers, tensors, language)
    own = -(-scratch.workspace // _LINE) * _LINE
    c = CWriter()
    constants_and_kernels(c, layers, language, isas, includes=("parts.h",))
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
    return Parts(files, whole.bytes, count)


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


def sharing(first: Piece, other: Piece) -> Piece:
    """A piece of the same layer that uses the first one's constants and functions where it can.

    Their names begin with the piece's identifier; apart from that they are the same text.
    """
    if other is first:
        return other
    names = other.identifier, first.identifier
    theirs, own = first.layer, other.layer
    simd = {
        isa: _of_isa(theirs.simd[isa], code, *names) if isa in theirs.simd else code
        for isa, code in own.simd.items()
    }
    code = own.code
    if [*own.simd] == [*theirs.simd]:
        code = _portable(theirs.code, code, *names)
    return replace(other, layer=Layer(own.title, code, simd))


def in_c(layer: Layer) -> Layer:
    """The layer with its weights as arrays of C, which parts compare and share by their text."""
    arrays = "".join(text(weights) for weights in layer.code.arrays)
    code = replace(layer.code, constants=arrays + layer.code.constants, arrays=())
    simd = {isa: replace(own, constants=_texts(own.constants)) for isa, own in layer.simd.items()}
    return Layer(layer.title, code, simd)


def _texts(constants: Constants) -> dict[str, str]:
    return {name: each if isinstance(each, str) else text(each) for name, each in constants.items()}


def _of_isa(first: SimdCode, own: SimdCode, name: str, shared: str) -> SimdCode:
    """The SIMD code with the names of equal constants, and of equal functions, replaced."""
    theirs, texts = _texts(first.constants), _texts(own.constants)
    same = {
        constant: other
        for constant, each in texts.items()
        if theirs.get(other := constant.replace(name, shared)) == each.replace(name, shared)
    }
    constants = {key: each for key, each in texts.items() if key not in same}
    if own.text.replace(name, shared) == first.text and not constants:
        calls_ = tuple(call.replace(name, shared) for call in own.calls)
        return replace(own, constants=constants, text="", calls=calls_)
    if not same:
        return own
    names = re.compile(rf"\b({'|'.join(same)})\b")
    functions, *renamed = (
        names.sub(lambda at: same[at[0]], each) for each in (own.text, *own.calls)
    )
    return replace(own, constants=constants, text=functions, calls=(*renamed,))


def _portable(first: Code, own: Code, name: str, shared: str) -> Code:
    """The portable code without its constants, where they are the first one's."""
    if not own.structures or own.constants.replace(name, shared) != first.constants:
        return own
    structures = tuple(
        replace(structure, fields=_renamed(structure.fields, name, shared))
        for structure in own.structures
    )
    return replace(own, constants="", structures=structures)


def _renamed(fields: Mapping[str, str | int], name: str, shared: str) -> dict[str, str | int]:
    return {
        field: value.replace(name, shared) if isinstance(value, str) else value
        for field, value in fields.items()
    }
