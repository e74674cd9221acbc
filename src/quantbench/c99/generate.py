"""Write the files of a C library from a graph of integers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from quantbench.c99.check.golden import vectors
from quantbench.c99.emit import scalar
from quantbench.c99.emit.c_syntax import array
from quantbench.c99.emit.kernels import kernel
from quantbench.c99.emit.library import (
    SEED,
    Emitted,
    Options,
    chosen_isas,
    described,
    drawn,
    finished,
    header,
    header_head,
    library_source,
    provenance,
    stored,
    with_symbols,
)
from quantbench.c99.emit.translation_unit import INTEGERS, Simd
from quantbench.c99.ir.graph import Graph
from quantbench.c99.ir.interpreter import execute
from quantbench.c99.ir.sizes import in_parts
from quantbench.c99.passes.layout import Plan, Step, plan
from quantbench.c99.simd import select
from quantbench.c99.target.isa import Isa
from quantbench.c99.target.target import Target


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


def _simd(step: Step, isas: Sequence[Isa]) -> Simd:
    codes = {isa: select.code(step, isa) for isa in isas}
    return {isa: code for isa, code in codes.items() if code}


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
