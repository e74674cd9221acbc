"""The part that C libraries of integers and of float32 share: options, names, files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.emit.c_syntax import CWriter
from quantbench.c99.emit.describe import describe
from quantbench.c99.emit.head import Provenance, block_comment, head
from quantbench.c99.emit.namespace import DEFAULT, layer_symbol, renamed, require_name
from quantbench.c99.emit.scalar import Code
from quantbench.c99.emit.translation_unit import (
    INTEGERS,
    REALS,
    Language,
    Layer,
    Memory,
    Simd,
    memory,
    write,
)
from quantbench.c99.ir.sizes import multiply_adds
from quantbench.c99.passes.float32_layout import FloatPlan
from quantbench.c99.passes.layout import (
    Place,
    Plan,
    PlanOf,
    StepOf,
    natural,
)
from quantbench.c99.target.isa import Isa, named
from quantbench.c99.target.target import Dtype, Target
from quantbench.errors import UsageError

SEED = 1
_RANDOM = 6
_MAX_GOLDEN_BYTES, _MAX_GOLDEN_MACS = 2**20, 2**33
Number = TypeVar("Number", bound=np.generic)
N = TypeVar("N")
W = TypeVar("W")


@dataclass(frozen=True)
class Options:
    """The choices, beside the target, of how C is written.

    `name`: the prefix of all that it defines. `isas`: the instruction sets that a native file has
    kernels for; empty: all of them. `labels`: names of layers in the user's network, by the name of
    their node. `sha256`: of the ONNX file.
    """

    name: str = DEFAULT
    isas: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    sha256: str | None = None


@dataclass(frozen=True)
class Emitted:
    """The files of a library, by their names, and what they were written from.

    `scratch`: bytes that the caller gives. `codes`: the portable code of each step.
    """

    plan: Plan | FloatPlan
    codes: tuple[Code, ...]
    scratch: int
    files: dict[str, str]
    name: str = DEFAULT
    labels: Mapping[str, str] = field(default_factory=dict)


def chosen_isas(options: Options, target: Target, language: Language) -> tuple[Isa, ...]:
    """Raises UsageError for a name that can't be a prefix, and for sets that there aren't."""
    require_name(options.name)
    if target != Target.NATIVE:
        if options.isas:
            raise UsageError(f"--isa is for --target native; {target} has portable code alone")
        return ()
    return named(options.isas, language.isas) if options.isas else tuple(language.isas)


def require_options(options: Options, target: Target, dtype: Dtype) -> None:
    """Raises UsageError as `emit` would, before the network is read."""
    chosen_isas(options, target, REALS if dtype == Dtype.FLOAT32 else INTEGERS)


def with_symbols(laid_out: PlanOf[N, W], options: Options) -> PlanOf[N, W]:
    """The plan whose steps are called by what stands for them in C: `model_l0_conv1`."""
    steps: Sequence[StepOf[Any]] = laid_out.steps
    symbols = tuple(
        replace(step, identifier=layer_symbol(number, _label(step.work.name, options)))
        for number, step in enumerate(steps)
    )
    return replace(laid_out, steps=symbols)


def _label(work: str, options: Options) -> str:
    """Only names of the user's network stand in identifiers: those of others say too little."""
    return options.labels.get(work, "")


def library_source(
    laid_out: Plan | FloatPlan,
    codes: Sequence[Code],
    simd: Sequence[Simd],
    language: Language,
    isas: Sequence[Isa],
    about: Provenance,
    what: str,
) -> tuple[str, str, Memory]:
    """The C file under the default prefix, its head, and the memory that it needs."""
    descriptions = [describe(step, about.labels) for step in laid_out.steps]
    layers = [
        Layer(f"/* l{number} {description.sentence} */", code, by_isa)
        for number, (description, code, by_isa) in enumerate(
            zip(descriptions, codes, simd, strict=True)
        )
    ]
    scratch = memory(layers, laid_out.scratch, language)
    c = CWriter()
    write(c, layers, language, isas, scratch)
    return c.finished(), head(what, about, laid_out, descriptions, codes, scratch), scratch


def header_head(about: Provenance, summary: str) -> str:
    return block_comment([f"{about.name}.h: {summary}", "", *about.lines()])


def provenance(target: Target, isas: Sequence[Isa], options: Options) -> Provenance:
    names = tuple(isa.name for isa in isas)
    return Provenance(options.name, options.sha256, str(target), names, options.labels)


def finished(
    laid_out: Plan | FloatPlan,
    codes: tuple[Code, ...],
    scratch: Memory,
    files: Mapping[str, str],
    heads: Mapping[str, str],
    options: Options,
) -> Emitted:
    """The files under the name that the user chose, behind their heads."""
    texts = {
        file.replace("model.", f"{options.name}."): heads.get(file, "")
        + renamed(text, options.name)
        for file, text in files.items()
    }
    return Emitted(laid_out, codes, scratch.bytes, texts, options.name, options.labels)


def stored(values: NDArray[Number], place: Place) -> NDArray[Number]:
    """[N, *shape] in ONNX's order to [N, size] as the C code has it; integers are unsigned."""
    return values.reshape(len(values), -1)[:, natural(place.shape)]


def drawn(laid_out: Plan | FloatPlan) -> int:
    """How many random vectors are written: fewer where they are large, or take long."""
    vector_bytes = laid_out.input.bytes + laid_out.output.bytes
    work = max(1, multiply_adds(laid_out.graph))
    most = min(_MAX_GOLDEN_BYTES // vector_bytes, _MAX_GOLDEN_MACS // work)
    return max(1, min(_RANDOM, most - 2))


def header(lines: Sequence[str]) -> str:
    """A header that C and C++ include, with `lines` inside."""
    guarded = [
        "#ifndef MODEL_H",
        "#define MODEL_H",
        "",
        "#include <stddef.h>",
        "#include <stdint.h>",
        "",
        "#ifdef __cplusplus",
        'extern "C" {',
        "#endif",
        "",
        *lines,
        "",
        "#ifdef __cplusplus",
        "}",
        "#endif",
        "",
        "#endif",
    ]
    return "\n".join(guarded) + "\n"


def described(place: Place) -> str:
    if len(place.shape) != 3:
        return f"{place.size} values"
    channels, height, width = place.shape
    return f"[{height} rows][{width} columns][{channels} channels]"
