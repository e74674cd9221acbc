"""From a graph to the files of a C99 library: model.h, model.c, its golden vectors, main.c."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from quantbench.c99 import portable
from quantbench.c99.arithmetic import Integers
from quantbench.c99.execute import execute
from quantbench.c99.graph import Graph
from quantbench.c99.plan import Place, Plan, natural, plan
from quantbench.c99.portable import Code
from quantbench.c99.text import array, comment, kernel

# In the order in which one uses the other.
_KERNELS = (
    "requantize", "dot", "dot_wide", "conv", "conv_wide", "dense", "dense_wide",
    "pool", "add", "rescale", "concat", "pad", "arrange",
)  # fmt: skip
_SEED = 1
_RANDOM = 6
_MOST_GOLDEN_BYTES = 1 << 20


@dataclass(frozen=True)
class Emitted:
    plan: Plan
    codes: tuple[Code, ...]
    files: dict[str, str]


def emit(graph: Graph) -> Emitted:
    """Raises CompileError for what 32 bits can't hold."""
    made = plan(graph)
    codes = tuple(portable.code(step) for step in made.steps)
    files = {
        "model.h": _header(made),
        "model.c": _source(made, codes),
        "golden.h": _golden(made),
        "main.c": kernel("main"),
    }
    return Emitted(made, codes, files)


def stored(values: Integers, place: Place) -> Integers:
    """[N, *shape] in ONNX's order, of an unsigned graph, to [N, size] as the C code has it."""
    return values.reshape(len(values), -1)[:, natural(place.shape)]


def vectors(graph: Graph, random: int, seed: int) -> Integers:
    """Inputs [N, *shape] of an unsigned graph: all 0, all 255 and random ones."""
    shape = graph.tensors[graph.input].shape
    drawn = np.random.default_rng(seed).integers(0, 256, (random, *shape))
    return np.concatenate([np.zeros((1, *shape), np.int64), np.full((1, *shape), 255), drawn])


def _header(made: Plan) -> str:
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
        f"#define MODEL_SCRATCH {max(made.scratch, 1)}",
        "",
        f"typedef {made.output.type}_t model_output;",
        "",
        f"/* input: {_shape(made.input)}; output: {_shape(made.output)};",
        "   scratch: MODEL_SCRATCH bytes of any alignment, whose content means nothing. The three",
        "   must not overlap. Nothing else is written: calls with memories of their own may run",
        "   at the same time. */",
        "void model_run(const uint8_t *input, model_output *output, uint8_t *scratch);",
        "",
        "#endif",
    ]
    return "\n".join(lines) + "\n"


def _shape(place: Place) -> str:
    if len(place.shape) != 3:
        return f"{place.size} values"
    channels, height, width = place.shape
    return f"[{height} rows][{width} columns][{channels} channels]"


def _source(made: Plan, codes: tuple[Code, ...]) -> str:
    parts = ['#include "model.h"\n\n#include <string.h>\n']
    needed = {name for code in codes for name in code.kernels}
    parts += [_kernel(name) for name in _KERNELS if name in needed]
    body = []
    for step, code in zip(made.steps, codes, strict=True):
        title = f"/* {step.identifier}: {comment(step.work.name)} */"
        if code.constants:
            parts.append(f"{title}\n{code.constants}")
        body += [f"    {line}" for line in (title, *code.calls)]
    unused = [] if any("scratch" in line for line in body) else ["    (void)scratch;"]
    head = "void model_run(const uint8_t *input, model_output *output, uint8_t *scratch)\n{"
    parts.append("\n".join([head, *unused, *body, "}\n"]))
    return "\n".join(parts)


def _kernel(name: str) -> str:
    """A wide kernel is the same text for weights of 16 bits."""
    base, _, wide = name.partition("_")
    text = kernel(base).replace("weight_t", "int16_t" if wide else "int8_t")
    return re.sub(r"\b(dot|conv|dense)(?=\(|_)", r"\1_wide", text) if wide else text


def _golden(made: Plan) -> str:
    each = made.input.size + made.output.bytes
    count = max(1, min(_RANDOM, _MOST_GOLDEN_BYTES // each - 2))
    inputs = vectors(made.graph, count, _SEED)
    outputs = execute(made.graph, inputs)
    lines = [
        f"#define GOLDEN_COUNT {len(inputs)}",
        array("uint8_t", "golden_inputs", stored(inputs, made.input)),
        array("model_output", "golden_outputs", stored(outputs, made.output)),
    ]
    return "/* What the integer network gives, computed in Python. */\n" + "\n".join(lines)
