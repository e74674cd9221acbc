"""The prototype of model_run: a pointer for each input, for each output, and the scratch memory."""

from __future__ import annotations

from quantbench.c99.ir.graph import Plan


def signature(plan: Plan) -> str:
    """`void model_run(...)`, with the names that the places of the plan have."""
    number, output = ("float", "float") if plan.graph.is_float32 else ("uint8_t", "model_output")
    given = [f"const {number} *{place.at}" for place in plan.inputs]
    answers = [f"{output} *{place.at}" for place in plan.outputs]
    parameters = [*given, *answers, f"{number} *scratch"]
    between = ",\n               " if plan.graph.several else ", "
    return f"void model_run({between.join(parameters)})"


def packed_run(plan: Plan) -> str:
    """C that defines MODEL_GOLDEN_RUN: model_run for inputs, and outputs, behind one another."""
    if not plan.graph.several:
        return "#define MODEL_GOLDEN_RUN model_run\n"
    number, output = ("float", "float") if plan.graph.is_float32 else ("uint8_t", "model_output")
    arguments = []
    for end, places in (("input", plan.inputs), ("output", plan.outputs)):
        begin = 0
        for place in places:
            arguments.append(f"{end} + {begin}")
            begin += place.size
    return (
        "#define MODEL_GOLDEN_RUN model_golden_run\n\n"
        f"static void model_golden_run(const {number} *input, {output} *output, "
        f"{number} *scratch)\n{{\n    model_run({', '.join([*arguments, 'scratch'])});\n}}\n"
    )
