"""The header of a generated network: sizes, scales and the prototype, for C and C++."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from quantbench.c99.emit.namespace import comment
from quantbench.c99.emit.signature import signature
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
    graph, lines, overlap = plan.graph, [], _overlap(plan)
    for macro, place, name in _ends(plan):
        tensor = graph.tensors[name]
        scales = ", ".join(f"{float(np.float32(scale))!r}" for scale in tensor.scale)
        lines.append(f"#define {macro}_SIZE {place.size}")
        if name in graph.inputs and macro.startswith("MODEL_INPUT"):
            lines.append(f"#define {macro}_SCALE {scales}")
        else:
            lines.append(f"#define {macro}_SCALES {{{scales}}}")
            lines.append(f"#define {macro}_SCALE_COUNT {len(tensor.scale)}")
        lines.append(f"#define {macro}_ZERO {tensor.zero_point}")
    return [
        *lines,
        *_totals(plan),
        f"#define MODEL_SCRATCH {max(scratch, 1)}",
        "",
        f"typedef {plan.output.type}_t model_output;",
        "",
        *_described_ends(plan),
        f"   scratch: MODEL_SCRATCH bytes of any alignment, whose content means nothing. {overlap}",
        "   overlap. Nothing else is written: calls may run at the same time if each has buffers",
        f"   of its own.{_own(plan)}{_final(plan)} */",
        f"{signature(plan)};",
    ]


def _ends(plan: Plan) -> Iterator[tuple[str, Place, str]]:
    """The prefix of its macros, the place and the tensor of each input and output."""
    graph = plan.graph
    for places, names in ((plan.inputs, graph.inputs), (plan.outputs, graph.outputs)):
        for place, name in zip(places, names, strict=True):
            yield f"MODEL_{place.at.upper()}", place, name


def _totals(plan: Plan) -> list[str]:
    """The sizes of all inputs, and of all outputs, where there are several."""
    ends = (("INPUT", plan.inputs), ("OUTPUT", plan.outputs))
    return [
        f"#define MODEL_{end}_SIZE {sum(place.size for place in places)}"
        for end, places in ends
        if len(places) > 1
    ]


def _described_ends(plan: Plan) -> list[str]:
    """The beginning of model_run's comment."""
    if not plan.graph.several:
        return [f"/* input: {_described(plan.input)}; output: {_described(plan.output)};"]
    graph = plan.graph
    names = graph.names or (*graph.inputs, *graph.outputs)
    each = [
        f"{place.at}: the network's {comment(name)}, {_described(place)};"
        for place, name in zip((*plan.inputs, *plan.outputs), names, strict=True)
    ]
    first, *rest = each
    return [f"/* {first}", *(f"   {line}" for line in rest)]


def _overlap(plan: Plan) -> str:
    return "None of these may" if plan.graph.several else "The three must not"


def _own(plan: Plan) -> str:
    """A sentence for each end at which the ONNX network has integers itself."""
    graph = plan.graph
    sentences = [
        f"\n   The ONNX network's {end} is these integers{', int8 as 128 more' * (type == 'int8')}."
        for end, type in (("input", graph.own_input), ("output", graph.own_output))
        if type and not (end == "output" and graph.final)
    ]
    return "".join(sentences)


def _final(plan: Plan) -> str:
    """A sentence on the function at the end that the C doesn't compute; "" where there is none."""
    final = plan.graph.final
    if final is None:
        return ""
    name = "ArgMax" if final == "argmax" else final.capitalize()
    return f"\n   The network's {name} is left to the caller: the output is what goes into it."


def _float32(plan: Plan, scratch: int) -> list[str]:
    overlap = _overlap(plan)
    return [
        *(f"#define {macro}_SIZE {place.size}" for macro, place, _ in _ends(plan)),
        *_totals(plan),
        f"#define MODEL_SCRATCH {max(scratch // BYTES['float32'], 1)}",
        "",
        *_described_ends(plan),
        f"   scratch: MODEL_SCRATCH numbers, whose content means nothing. {overlap}",
        "   overlap. Nothing else is written: calls may run at the same time if each has buffers",
        f"   of its own.{_final(plan)} */",
        f"{signature(plan)};",
    ]


def _described(place: Place) -> str:
    if len(place.shape) == 2:
        return f"[{place.shape[1]} positions][{place.shape[0]} channels]"
    if len(place.shape) != 3:
        return f"{place.size} values"
    channels, height, width = place.shape
    return f"[{height} rows][{width} columns][{channels} channels]"
