"""Write the files of a C99 library from a float32 graph."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.emit import float32_scalar
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
from quantbench.c99.emit.translation_unit import REALS, Simd
from quantbench.c99.ir.error_bounds import execute
from quantbench.c99.ir.float32 import FloatGraph
from quantbench.c99.ir.sizes import in_parts
from quantbench.c99.passes.float32_layout import FloatPlan, FloatStep, plan
from quantbench.c99.passes.layout import BYTES
from quantbench.c99.simd import float32
from quantbench.c99.target.isa import Isa
from quantbench.c99.target.target import Target
from quantbench.errors import CompileError

_SIZE = BYTES["float32"]
_ROUNDING = 3 * 2.0**-24
"""Rounding of the float32 that stands for a golden value, and of its comparison."""


def emit(
    graph: FloatGraph, target: Target = Target.PORTABLE, options: Options | None = None
) -> Emitted:
    """Raises CompileError where float32 doesn't hold what the network computes, UsageError for
    options that name nothing.
    """
    options = options or Options()
    isas = chosen_isas(options, target, REALS)
    laid_out = with_symbols(plan(graph), options)
    codes = tuple(float32_scalar.code(step) for step in laid_out.steps)
    simd = tuple(_simd(step, isas) for step in laid_out.steps)
    what = f"{options.name}.c: a neural network that is computed in float32."
    about = provenance(target, isas, options)
    source, source_head, scratch = library_source(laid_out, codes, simd, REALS, isas, about, what)
    files = {
        "model.h": _header(laid_out, max(scratch.bytes // _SIZE, 1)),
        "model.c": source,
        "golden.h": _golden(laid_out),
        "main.c": kernel("float32/main"),
    }
    heads = {
        "model.h": header_head(about, "float32 in, float32 out."),
        "model.c": source_head,
    }
    return finished(laid_out, codes, scratch, files, heads, options)


def _simd(step: FloatStep, isas: tuple[Isa, ...]) -> Simd:
    code = float32.code(step)
    return dict.fromkeys(isas, code) if code else {}


def vectors(graph: FloatGraph, random: int, seed: int) -> NDArray[np.float32]:
    """Inputs [N, *shape]: all 0, all 1 and random ones, of few digits."""
    shape = graph.tensors[graph.input].shape
    some = np.rint(np.random.default_rng(seed).normal(0, 64, (random, *shape))) / 64
    ends = [np.zeros((1, *shape)), np.ones((1, *shape))]
    return np.concatenate([*ends, some]).astype(np.float32)


def _header(laid_out: FloatPlan, scratch: int) -> str:
    softmax = "\n   The network's Softmax is left to the caller: the output is what goes into it."
    lines = [
        f"#define MODEL_INPUT_SIZE {laid_out.input.size}",
        f"#define MODEL_OUTPUT_SIZE {laid_out.output.size}",
        f"#define MODEL_SCRATCH {scratch}",
        "",
        f"/* input: {described(laid_out.input)}; output: {described(laid_out.output)};",
        "   scratch: MODEL_SCRATCH numbers, whose content means nothing. The three must not",
        "   overlap. Nothing else is written: calls may run at the same time if each has buffers",
        f"   of its own.{softmax if laid_out.graph.softmax else ''} */",
        "void model_run(const float *input, float *output, float *scratch);",
    ]
    return header(lines)


def _answers(laid_out: FloatPlan, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """[N, 2, *shape]: the outputs, and how far float32 may be from each."""
    near = execute(laid_out.graph, inputs)
    room = near.error + _ROUNDING * near.most
    return np.stack([near.values, room], axis=1).astype(np.float32)


def _golden(laid_out: FloatPlan) -> str:
    inputs = vectors(laid_out.graph, drawn(laid_out), SEED)
    with np.errstate(over="ignore", invalid="ignore"):
        values, room = in_parts(
            lambda some: _answers(laid_out, some), inputs, laid_out.graph
        ).swapaxes(0, 1)
    if not (np.isfinite(values).all() and np.isfinite(room).all()):
        raise CompileError("float32 doesn't hold what it computes for inputs near 1")
    lines = [
        f"#define MODEL_GOLDEN_COUNT {len(inputs)}",
        array("float", "model_golden_inputs", stored(inputs, laid_out.input)),
        array("float", "model_golden_outputs", stored(values, laid_out.output)),
        array("float", "model_golden_tolerances", stored(room, laid_out.output)),
    ]
    head = "/* What float64 gives, and how far float32 may be from it, computed in Python. */"
    return head + "\n" + "\n".join(lines)
