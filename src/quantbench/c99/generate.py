"""From a graph to the files of a C99 library: model.h, model.c, its golden vectors, main.c."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.check.golden import vectors
from quantbench.c99.emit import scalar
from quantbench.c99.emit.c_syntax import array, kernel
from quantbench.c99.emit.scalar import Code
from quantbench.c99.emit.translation_unit import Fast, integers, written
from quantbench.c99.ir.graph import Graph, Place, Step
from quantbench.c99.ir.interpreter import execute
from quantbench.c99.ir.sizes import in_parts, multiply_adds
from quantbench.c99.passes.layout import Plan, nhwc_order, plan
from quantbench.c99.simd import select
from quantbench.c99.target.isa import SETS
from quantbench.c99.target.target import Target

SEED = 1
_RANDOM = 6
_MOST_GOLDEN_BYTES, _MOST_GOLDEN_MACS = 2**20, 2**33
Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True)
class Emitted:
    """`scratch`: what the caller gives, in bytes. `codes`: the portable code of each step."""

    plan: Plan
    codes: tuple[Code, ...]
    scratch: int
    files: dict[str, str]


def emit(graph: Graph, target: Target = Target.PORTABLE) -> Emitted:
    """Raises CompileError for what 32 bits can't hold."""
    made = plan(graph)
    codes = tuple(scalar.code(step) for step in made.steps)
    fast = tuple(_fast(step) if target == Target.NATIVE else {} for step in made.steps)
    text, scratch = written(made.steps, made.scratch, codes, fast, integers())
    files = {
        "model.h": _header(made, max(scratch, 1)),
        "model.c": text,
        "golden.h": _golden(made),
        "main.c": kernel("main"),
    }
    return Emitted(made, codes, scratch, files)


def _fast(step: Step) -> Fast:
    found = {kernels: select.code(step, kernels) for kernels in SETS}
    return {kernels: code for kernels, code in found.items() if code}


def stored(values: NDArray[Number], place: Place) -> NDArray[Number]:
    """[N, *shape] in ONNX's order to [N, size] as the C code has it; integers are unsigned."""
    return values.reshape(len(values), -1)[:, nhwc_order(place.shape)]


def drawn(made: Plan) -> int:
    """How many random vectors are written: fewer where they are large, or take long."""
    each = made.input.bytes + made.output.bytes
    work = max(1, multiply_adds(made.graph))
    return max(1, min(_RANDOM, _MOST_GOLDEN_BYTES // each - 2, _MOST_GOLDEN_MACS // work - 2))


def _header(made: Plan, scratch: int) -> str:
    given, taken = (made.graph.tensors[one] for one in (made.graph.input, made.graph.output))
    scales = ", ".join(f"{float(np.float32(one))!r}" for one in taken.scale)
    lines = [
        "/* Integers in, integers out; made by quantbench. Real numbers are scale * (q - zero). */",
        "#ifndef MODEL_H",
        "#define MODEL_H",
        "",
        "#include <stddef.h>",
        "#include <stdint.h>",
        "",
        f"#define MODEL_INPUT_SIZE {made.input.size}",
        f"#define MODEL_INPUT_SCALE {float(np.float32(given.scale[0]))!r}",
        f"#define MODEL_INPUT_ZERO {given.zero_point}",
        f"#define MODEL_OUTPUT_SIZE {made.output.size}",
        f"#define MODEL_OUTPUT_SCALES {{{scales}}}",
        f"#define MODEL_OUTPUT_SCALE_COUNT {len(taken.scale)}",
        f"#define MODEL_OUTPUT_ZERO {taken.zero_point}",
        f"#define MODEL_SCRATCH {scratch}",
        "",
        f"typedef {made.output.type}_t model_output;",
        "",
        f"/* input: {described(made.input)}; output: {described(made.output)};",
        "   scratch: MODEL_SCRATCH bytes of any alignment, whose content means nothing. The three",
        "   must not overlap. Nothing else is written: calls with memories of their own may run",
        f"   at the same time.{_own(made)} */",
        "void model_run(const uint8_t *input, model_output *output, uint8_t *scratch);",
        "",
        "#endif",
    ]
    return "\n".join(lines) + "\n"


def _own(made: Plan) -> str:
    """What is said of ends at which the ONNX network has integers itself."""
    ends = (("input", made.graph.own_input), ("output", made.graph.own_output))
    said = [
        f"\n   The ONNX network's {end} is these integers{', int8 as 128 more' * (type == 'int8')}."
        for end, type in ends
        if type and not (end == "output" and made.graph.softmax)
    ]
    return "".join(said)


def described(place: Place) -> str:
    if len(place.shape) != 3:
        return f"{place.size} values"
    channels, height, width = place.shape
    return f"[{height} rows][{width} columns][{channels} channels]"


def _golden(made: Plan) -> str:
    inputs = vectors(made.graph, drawn(made), SEED)
    outputs = in_parts(lambda some: execute(made.graph, some), inputs, made.graph)
    lines = [
        f"#define GOLDEN_COUNT {len(inputs)}",
        array("uint8_t", "golden_inputs", stored(inputs, made.input)),
        array("model_output", "golden_outputs", stored(outputs, made.output)),
    ]
    return "/* What the integer network gives, computed in Python. */\n" + "\n".join(lines)
