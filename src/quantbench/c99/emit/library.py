"""The options, the names and the files of a C library."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from quantbench.c99.emit.c_syntax import CWriter
from quantbench.c99.emit.data_file import DataFile
from quantbench.c99.emit.describe import describe
from quantbench.c99.emit.head import Provenance, block_comment, head
from quantbench.c99.emit.header import header
from quantbench.c99.emit.instances import kernel
from quantbench.c99.emit.namespace import DEFAULT, layer_symbol, renamed, require_name
from quantbench.c99.emit.parts import Parts
from quantbench.c99.emit.signature import signature
from quantbench.c99.emit.translation_unit import (
    INTEGERS,
    REALS,
    Language,
    Layer,
    Simd,
    memory,
    write,
)
from quantbench.c99.emit.weights import ARRAYS, WEIGHTS, weights_file
from quantbench.c99.ir.code import Code
from quantbench.c99.ir.graph import Graph, Plan
from quantbench.c99.target.isa import Isa, named
from quantbench.c99.target.target import Dtype, Optimize, Target
from quantbench.errors import UsageError

FILE_FROM = 2**20
"""So many bytes of weights take a C compiler longer than all else."""
GOLDEN_FROM = 2**18
"""So many bytes of golden vectors are no longer read by anyone."""


@dataclass(frozen=True)
class Options:
    """The choices, beside the target, of how C is written.

    `name`: the prefix of all that it defines. `isas`: the instruction sets that a native file has
    kernels for; empty: all of them. `labels`: names of layers in the user's network, by the name of
    their node. `sha256`: of the ONNX file. `counters`: time each layer, for a profile.
    `integer_only`: no kernel rounds in float32, though that is proved to give the same. `samples`:
    how many a second library computes at once, where all layers are fully connected; 1: none.
    `threads`: how many may compute one image of integers together, where that is expected to pay;
    sums of float32 depend on their order, and so on the parts.
    `optimize`: what the portable code of integers is written for. `file_from`: so many bytes of
    weights are a file of their own; None: they always stand in the C file. `golden_from`: the same
    of golden vectors.
    """

    name: str = DEFAULT
    isas: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    sha256: str | None = None
    counters: bool = False
    integer_only: bool = False
    samples: int = 1
    optimize: Optimize = Optimize.SIZE
    threads: int = 1
    file_from: int | None = FILE_FROM
    golden_from: int | None = GOLDEN_FROM


@dataclass(frozen=True)
class Emitted:
    """The files of a library, by their names, and what they were written from.

    `scratch`: bytes that the caller gives. `codes`: the portable code of each step, and `layers`
    that with the code for instruction sets. `together`:
    the same network for `samples` at once. `parts`: the same network for several threads. `data`:
    files that aren't text.
    """

    plan: Plan
    codes: tuple[Code, ...]
    layers: tuple[Layer, ...]
    scratch: int
    files: dict[str, str]
    name: str = DEFAULT
    labels: Mapping[str, str] = field(default_factory=dict)
    together: Emitted | None = None
    samples: int = 1
    parts: Parts | None = None
    data: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def weights_apart(self) -> bool:
        """Whether the weights are in a file of their own."""
        return _named(WEIGHTS, self.name) in self.data

    @property
    def all_files(self) -> dict[str, str | bytes]:
        """Text and data, by the files' names."""
        return {**self.files, **self.data}


def chosen_isas(options: Options, target: Target, language: Language) -> tuple[Isa, ...]:
    """The instruction sets for which a native file has kernels; () for other targets.

    Raises UsageError for a name that can't be a prefix, for unknown instruction sets, and for
    float32 of integers alone.
    """
    require_name(options.name)
    if options.integer_only and language is REALS:
        raise UsageError("--integer-only is for --dtype int8")
    if options.optimize != Optimize.SIZE and language is REALS:
        raise UsageError(f"--optimize {options.optimize} is for int8; float32 has one form")
    if target != Target.NATIVE:
        if options.isas:
            raise UsageError(f"--isa is for --target native; {target} has portable code alone")
        return ()
    return named(options.isas, language.isas) if options.isas else tuple(language.isas)


def language_of(graph: Graph) -> Language:
    """The C of integers or that of float32, by the graph's number types."""
    return REALS if graph.is_float32 else INTEGERS


def require_options(options: Options, target: Target, dtype: Dtype) -> None:
    """Raise UsageError for the options that `emit` would refuse, before the network is read."""
    chosen_isas(options, target, REALS if dtype == Dtype.FLOAT32 else INTEGERS)


def with_symbols(plan: Plan, options: Options) -> Plan:
    """The plan with each step named by its C identifier, such as `model_l0_conv1`."""
    symbols = tuple(
        replace(step, identifier=layer_symbol(number, _label(step.work.name, options)))
        for number, step in enumerate(plan.steps)
    )
    return replace(plan, steps=symbols)


def _label(work: str, options: Options) -> str:
    """The name for an identifier: one from the user's network, or "" where there is none."""
    return options.labels.get(work, "")


def provenance(target: Target, isas: Sequence[Isa], options: Options) -> Provenance:
    """The provenance of the library's files."""
    names = tuple(isa.name for isa in isas)
    return Provenance(options.name, options.sha256, str(target), names, options.labels)


def library(
    plan: Plan,
    codes: tuple[Code, ...],
    simd: Sequence[Simd],
    target: Target,
    isas: Sequence[Isa],
    options: Options,
    golden: Mapping[str, str | bytes],
    *,
    rounds_in_float32: bool = False,
) -> Emitted:
    """The files of a plan with symbols, from the portable and the SIMD code of each step.

    `golden`: golden.h and what it takes in. `rounds_in_float32`: some layer of integers is
    requantized so, where it is proved to be exact.
    """
    language = replace(language_of(plan.graph), run=signature(plan))
    descriptions = [describe(step, options.labels) for step in plan.steps]
    layers = [
        Layer(f"/* l{number} {description.sentence} */", code, by_isa)
        for number, (description, code, by_isa) in enumerate(
            zip(descriptions, codes, simd, strict=True)
        )
    ]
    scratch = memory(layers, plan.scratch, language)
    file = _weights_file(codes, options)
    c = CWriter()
    write(c, layers, language, isas, scratch, counters=options.counters, weights=file)
    about = provenance(target, isas, options)
    summary = language.summary
    if rounds_in_float32 and any(isa.fused != "never" for isa in isas):
        summary = "with integers;\nsome kernels round in float32, which is proved to give the same"
    what = f"{options.name}.c: a neural network that is computed {summary}."
    if file:
        taken_in, arrays = (_named(each, options.name) for each in (WEIGHTS, ARRAYS))
        what += f"\nIts weights are {taken_in}, which the assembler takes in from beside this file."
        what += f"\nCompilers that can't do that read {arrays}."
    heads = {
        "model.h": block_comment([f"{options.name}.h: {language.ends}", "", *about.lines()]),
        "model.c": head(what, about, plan, descriptions, codes, scratch),
    }
    files = {
        "model.h": header(plan, scratch.bytes),
        "model.c": c.finished(),
        "main.c": kernel(language.main),
        **{name: each for name, each in golden.items() if isinstance(each, str)},
    }
    data = {name: each for name, each in golden.items() if isinstance(each, bytes)}
    if file:
        files[ARRAYS] = f"/* The weights of portable code. */\n{file.arrays}"
        data[_named(WEIGHTS, options.name)] = file.content
    texts = {
        _named(name, options.name): heads.get(name, "") + renamed(text, options.name)
        for name, text in files.items()
    }
    return Emitted(
        plan, codes, (*layers,), scratch.bytes, texts, options.name, options.labels, data=data
    )


def _weights_file(codes: Sequence[Code], options: Options) -> DataFile | None:
    """The file for the weights of a large network, still empty; None: they stand in the C file."""
    if options.file_from is None or sum(code.weights for code in codes) < options.file_from:
        return None
    return weights_file(codes)


def _named(file: str, name: str) -> str:
    """The name of a file that is called `model` while it is written."""
    return re.sub(r"\Amodel(?=[._])", name, file)
