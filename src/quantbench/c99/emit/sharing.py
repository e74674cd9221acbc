"""Constants and functions that parts of a layer share with one another, and with model.c."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from quantbench.c99.emit.data_file import DataFile
from quantbench.c99.emit.parts import PARTS_ARRAYS, Piece
from quantbench.c99.emit.translation_unit import Layer, SimdCode
from quantbench.c99.emit.weights import ARRAYS, weights_file
from quantbench.c99.ir.code import Code
from quantbench.c99.ir.weights import PackedWeights

_ALIGNMENT = 64
"""Bytes from the beginning of the whole weights by which those of wide registers may lie apart."""


def shared_file(whole: Sequence[Layer]) -> DataFile:
    """The file for the weights of parts.c, still empty, beside that of the whole layers."""
    return weights_file([layer.code for layer in whole], PARTS_ARRAYS, ARRAYS)


def borrowing(layer: Layer, whole: Layer, file: DataFile) -> Layer:
    """The part of a layer with references to model.c's weights in place of the same weights."""
    simd = {
        isa: _borrowing_simd(code, whole.simd[isa], file) if isa in whole.simd else code
        for isa, code in layer.simd.items()
    }
    code, lines, arrays = layer.code, [], []
    for own in code.arrays:
        line = _reference(own, whole.code.arrays, file)
        arrays += [] if line else [own]
        lines += [line] if line else []
    code = replace(code, constants="".join([*lines, code.constants]), arrays=(*arrays,))
    return Layer(layer.title, code, simd)


def _borrowing_simd(own: SimdCode, whole: SimdCode, file: DataFile) -> SimdCode:
    there = [each for each in whole.constants.values() if isinstance(each, PackedWeights)]
    constants = {
        name: (_reference(each, there, file) or each) if isinstance(each, PackedWeights) else each
        for name, each in own.constants.items()
    }
    return replace(own, constants=constants)


def _reference(own: PackedWeights, whole: Sequence[PackedWeights], file: DataFile) -> str:
    """C that names weights, which are a part of the whole ones; "" where they aren't."""
    data = own.data()
    unit = len(data) // own.values.size
    step = _ALIGNMENT if own.simd else unit
    for each in whole:
        if (own.type, own.simd) == (each.type, each.simd):
            at, content = -1, each.data()
            while (at := content.find(data, at + 1)) >= 0:
                if at % step == 0:
                    known = file.of_another(each.type, each.name)
                    return f"{known}#define {own.name} ({each.name} + {at // unit})\n"
    return ""


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


def _same(
    own: str | PackedWeights, other: str | PackedWeights | None, name: str, shared: str
) -> bool:
    """Whether constants are the same, apart from the prefixes `name` and `shared`."""
    if isinstance(own, str):
        return own.replace(name, shared) == other
    return replace(own, name=own.name.replace(name, shared)) == other


def _of_isa(first: SimdCode, own: SimdCode, name: str, shared: str) -> SimdCode:
    """The SIMD code with the names of equal constants, and of equal functions, replaced."""
    same = {
        constant: other
        for constant, each in own.constants.items()
        for other in (constant.replace(name, shared),)
        if _same(each, first.constants.get(other), name, shared)
    }
    constants = {key: each for key, each in own.constants.items() if key not in same}
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
    mine: tuple[str | PackedWeights, ...] = (*own.arrays, own.constants)
    theirs: tuple[str | PackedWeights, ...] = (*first.arrays, first.constants)
    equal = len(mine) == len(theirs) and all(
        _same(each, other, name, shared) for each, other in zip(mine, theirs, strict=True)
    )
    if not own.structures or not equal:
        return own
    structures = tuple(
        replace(structure, fields=_renamed(structure.fields, name, shared))
        for structure in own.structures
    )
    return replace(own, constants="", arrays=(), structures=structures)


def _renamed(fields: Mapping[str, str | int], name: str, shared: str) -> dict[str, str | int]:
    return {
        field: value.replace(name, shared) if isinstance(value, str) else value
        for field, value in fields.items()
    }
