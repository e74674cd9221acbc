"""From a float32 graph to the files of a C99 library."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.emit import float32_scalar
from quantbench.c99.emit.c_syntax import array, kernel
from quantbench.c99.emit.float32_unit import language
from quantbench.c99.emit.translation_unit import Fast, written
from quantbench.c99.generate import (
    SEED,
    Emitted,
    described,
    drawn,
    stored,
)
from quantbench.c99.ir.error_bounds import execute
from quantbench.c99.ir.graph import BYTES, Graph, Step
from quantbench.c99.ir.sizes import in_parts
from quantbench.c99.passes.layout import Plan, plan
from quantbench.c99.simd import float32
from quantbench.c99.target.isa import FMA
from quantbench.c99.target.target import Target
from quantbench.errors import CompileError

_SIZE = BYTES["float32"]
_ROUNDING = 3 * 2.0**-24
"""Of the float32 that stands for a golden value, and of its comparison."""


def emit(graph: Graph, target: Target = Target.PORTABLE) -> Emitted:
    """Raises CompileError where float32 doesn't hold what the network computes."""
    made = plan(graph)
    codes = tuple(float32_scalar.code(step) for step in made.steps)
    fast = tuple(_fast(step) if target == Target.NATIVE else {} for step in made.steps)
    text, scratch = written(made.steps, made.scratch, codes, fast, language())
    files = {
        "model.h": _header(made, max(scratch // _SIZE, 1)),
        "model.c": text,
        "golden.h": _golden(made),
        "main.c": kernel("float32/main"),
    }
    return Emitted(made, codes, scratch, files)


def _fast(step: Step) -> Fast:
    code = float32.code(step)
    return {FMA: code} if code else {}


def vectors(graph: Graph, random: int, seed: int) -> NDArray[np.float32]:
    """Inputs [N, *shape]: all 0, all 1 and random ones, of few digits."""
    shape = graph.tensors[graph.input].shape
    some = np.rint(np.random.default_rng(seed).normal(0, 64, (random, *shape))) / 64
    ends = [np.zeros((1, *shape)), np.ones((1, *shape))]
    return np.concatenate([*ends, some]).astype(np.float32)


def _header(made: Plan, scratch: int) -> str:
    softmax = "   The network's Softmax is left to the caller: the output is what goes into it. */"
    lines = [
        "/* float32 in, float32 out; made by quantbench. */",
        "#ifndef MODEL_H",
        "#define MODEL_H",
        "",
        "#include <stddef.h>",
        "#include <stdint.h>",
        "",
        f"#define MODEL_INPUT_SIZE {made.input.size}",
        f"#define MODEL_OUTPUT_SIZE {made.output.size}",
        f"#define MODEL_SCRATCH {scratch}",
        "",
        f"/* input: {described(made.input)}; output: {described(made.output)};",
        "   scratch: MODEL_SCRATCH numbers, whose content means nothing. The three must not",
        "   overlap. Nothing else is written: calls with memories of their own may run at the",
        f"   same time.{'' if made.graph.softmax else ' */'}",
        *([softmax] if made.graph.softmax else []),
        "void model_run(const float *input, float *output, float *scratch);",
        "",
        "#endif",
    ]
    return "\n".join(lines) + "\n"


def _answers(made: Plan, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """[N, 2, *shape]: the outputs, and how far float32 may be from each."""
    near = execute(made.graph, inputs)
    room = near.error + _ROUNDING * near.most
    return np.stack([near.values, room], axis=1).astype(np.float32)


def _golden(made: Plan) -> str:
    inputs = vectors(made.graph, drawn(made), SEED)
    with np.errstate(over="ignore", invalid="ignore"):
        values, room = in_parts(lambda some: _answers(made, some), inputs, made.graph).swapaxes(
            0, 1
        )
    if not (np.isfinite(values).all() and np.isfinite(room).all()):
        raise CompileError("float32 doesn't hold what it computes for inputs near 1")
    lines = [
        f"#define GOLDEN_COUNT {len(inputs)}",
        array("float", "golden_inputs", stored(inputs, made.input)),
        array("float", "golden_outputs", stored(values, made.output)),
        array("float", "golden_tolerances", stored(room, made.output)),
    ]
    head = "/* What float64 gives, and how far float32 may be from it, computed in Python. */"
    return head + "\n" + "\n".join(lines)
