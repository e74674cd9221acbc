"""From a graph of integers to the files of a C library: header, source, golden vectors, main.c."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.check.golden import vectors
from quantbench.c99.emit import scalar
from quantbench.c99.emit.c_syntax import CWriter, array
from quantbench.c99.emit.describe import describe
from quantbench.c99.emit.head import Provenance, block_comment, head
from quantbench.c99.emit.kernels import kernel
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
from quantbench.c99.ir.graph import Graph
from quantbench.c99.ir.interpreter import execute
from quantbench.c99.ir.sizes import in_parts, multiply_adds
from quantbench.c99.passes.float32_layout import FloatPlan
from quantbench.c99.passes.layout import (
    Place,
    Plan,
    PlanOf,
    Step,
    StepOf,
    natural,
    plan,
)
from quantbench.c99.simd import select
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
    """How C is written beside its target.

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


def emit(graph: Graph, target: Target = Target.PORTABLE, options: Options | None = None) -> Emitted:
    """Raises CompileError for what 32 bits can't hold, UsageError for options that name nothing."""
    options = options or Options()
    isas = chosen_isas(options, target, INTEGERS)
    laid_out = with_symbols(plan(graph), options)
    codes = tuple(scalar.code(step) for step in laid_out.steps)
    simd = tuple(_simd(step, isas) for step in laid_out.steps)
    what = f"{options.name}.c: a neural network that is computed with integers alone."
    about = provenance(target, isas, options)
    source, source_head, scratch = library_source(
        laid_out, codes, simd, INTEGERS, isas, about, what
    )
    files = {
        "model.h": _header(laid_out, max(scratch.bytes, 1)),
        "model.c": source,
        "golden.h": _golden(laid_out),
        "main.c": kernel("main"),
    }
    summary = "integers in, integers out. Real numbers are scale * (q - zero)."
    heads = {"model.h": header_head(about, summary), "model.c": source_head}
    return finished(laid_out, codes, scratch, files, heads, options)


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


def _simd(step: Step, isas: Sequence[Isa]) -> Simd:
    codes = {isa: select.code(step, isa) for isa in isas}
    return {isa: code for isa, code in codes.items() if code}


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


def _header(laid_out: Plan, scratch: int) -> str:
    tensors, graph = laid_out.graph.tensors, laid_out.graph
    input_, output = tensors[graph.input], tensors[graph.output]
    scales = ", ".join(f"{float(np.float32(scale))!r}" for scale in output.scale)
    lines = [
        f"#define MODEL_INPUT_SIZE {laid_out.input.size}",
        f"#define MODEL_INPUT_SCALE {float(np.float32(input_.scale[0]))!r}",
        f"#define MODEL_INPUT_ZERO {input_.zero_point}",
        f"#define MODEL_OUTPUT_SIZE {laid_out.output.size}",
        f"#define MODEL_OUTPUT_SCALES {{{scales}}}",
        f"#define MODEL_OUTPUT_SCALE_COUNT {len(output.scale)}",
        f"#define MODEL_OUTPUT_ZERO {output.zero_point}",
        f"#define MODEL_SCRATCH {scratch}",
        "",
        f"typedef {laid_out.output.type}_t model_output;",
        "",
        f"/* input: {described(laid_out.input)}; output: {described(laid_out.output)};",
        "   scratch: MODEL_SCRATCH bytes of any alignment, whose content means nothing. The three",
        "   must not overlap. Nothing else is written: calls may run at the same time if each has",
        f"   buffers of its own.{_own(laid_out)} */",
        "void model_run(const uint8_t *input, model_output *output, uint8_t *scratch);",
    ]
    return header(lines)


def _own(laid_out: Plan) -> str:
    """A sentence for each end at which the ONNX network has integers itself."""
    graph = laid_out.graph
    sentences = [
        f"\n   The ONNX network's {end} is these integers{', int8 as 128 more' * (type == 'int8')}."
        for end, type in (("input", graph.own_input), ("output", graph.own_output))
        if type and not (end == "output" and graph.softmax)
    ]
    return "".join(sentences)


def described(place: Place) -> str:
    if len(place.shape) != 3:
        return f"{place.size} values"
    channels, height, width = place.shape
    return f"[{height} rows][{width} columns][{channels} channels]"


def _golden(laid_out: Plan) -> str:
    graph = laid_out.graph
    inputs = vectors(graph, drawn(laid_out), SEED)
    outputs = in_parts(lambda some: execute(graph, some), inputs, graph)
    lines = [
        f"#define MODEL_GOLDEN_COUNT {len(inputs)}",
        array("uint8_t", "model_golden_inputs", stored(inputs, laid_out.input)),
        array("model_output", "model_golden_outputs", stored(outputs, laid_out.output)),
    ]
    return "/* What the integer network gives, computed in Python. */\n" + "\n".join(lines)
