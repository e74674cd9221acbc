"""The header of a generated network: sizes, scales and the prototype, for C and C++."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from quantbench.c99.ir.graph import BYTES, Place, Plan


def header(plan: Plan, scratch: int) -> str:
    """The text of the header. `scratch`: bytes that the caller provides."""
    return _guarded(_float32(plan, scratch) if plan.graph.is_float32 else _integers(plan, scratch))


def _guarded(lines: Sequence[str]) -> str:
    """A header with `lines` inside."""
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


def _integers(plan: Plan, scratch: int) -> list[str]:
    tensors, graph = plan.graph.tensors, plan.graph
    input_, output = tensors[graph.input], tensors[graph.output]
    scales = ", ".join(f"{float(np.float32(scale))!r}" for scale in output.scale)
    return [
        f"#define MODEL_INPUT_SIZE {plan.input.size}",
        f"#define MODEL_INPUT_SCALE {float(np.float32(input_.scale[0]))!r}",
        f"#define MODEL_INPUT_ZERO {input_.zero_point}",
        f"#define MODEL_OUTPUT_SIZE {plan.output.size}",
        f"#define MODEL_OUTPUT_SCALES {{{scales}}}",
        f"#define MODEL_OUTPUT_SCALE_COUNT {len(output.scale)}",
        f"#define MODEL_OUTPUT_ZERO {output.zero_point}",
        f"#define MODEL_SCRATCH {max(scratch, 1)}",
        "",
        f"typedef {plan.output.type}_t model_output;",
        "",
        f"/* input: {_described(plan.input)}; output: {_described(plan.output)};",
        "   scratch: MODEL_SCRATCH bytes of any alignment, whose content means nothing. The three",
        "   must not overlap. Nothing else is written: calls may run at the same time if each has",
        f"   buffers of its own.{_own(plan)} */",
        "void model_run(const uint8_t *input, model_output *output, uint8_t *scratch);",
    ]


def _own(plan: Plan) -> str:
    """A sentence for each end at which the ONNX network has integers itself."""
    graph = plan.graph
    sentences = [
        f"\n   The ONNX network's {end} is these integers{', int8 as 128 more' * (type == 'int8')}."
        for end, type in (("input", graph.own_input), ("output", graph.own_output))
        if type and not (end == "output" and graph.softmax)
    ]
    return "".join(sentences)


def _float32(plan: Plan, scratch: int) -> list[str]:
    softmax = "\n   The network's Softmax is left to the caller: the output is what goes into it."
    return [
        f"#define MODEL_INPUT_SIZE {plan.input.size}",
        f"#define MODEL_OUTPUT_SIZE {plan.output.size}",
        f"#define MODEL_SCRATCH {max(scratch // BYTES['float32'], 1)}",
        "",
        f"/* input: {_described(plan.input)}; output: {_described(plan.output)};",
        "   scratch: MODEL_SCRATCH numbers, whose content means nothing. The three must not",
        "   overlap. Nothing else is written: calls may run at the same time if each has buffers",
        f"   of its own.{softmax if plan.graph.softmax else ''} */",
        "void model_run(const float *input, float *output, float *scratch);",
    ]


def _described(place: Place) -> str:
    if len(place.shape) == 2:
        return f"[{place.shape[1]} positions][{place.shape[0]} channels]"
    if len(place.shape) != 3:
        return f"{place.size} values"
    channels, height, width = place.shape
    return f"[{height} rows][{width} columns][{channels} channels]"
