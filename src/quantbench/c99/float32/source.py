"""model.c of a float32 network: kernels, then constants, then the calls, in the plan's order."""

from __future__ import annotations

from collections.abc import Sequence

from quantbench.c99.float32.plan import FloatPlan
from quantbench.c99.portable import Code
from quantbench.c99.text import comment, kernel

# In the order in which one uses the other.
_KERNELS = {
    "products": "float32/products", "lanewise": "float32/lanewise", "clamp": "float32/clamp",
    "conv": "float32/conv", "dense": "float32/dense", "pool": "float32/pool", "add": "float32/add",
    "activate": "float32/activate", "concat": "float32/concat", "pad": "float32/pad",
    "arrange": "arrange",
}  # fmt: skip
_HEAD = "void model_run(const float *input, float *output, float *scratch)\n{"


def source(made: FloatPlan, codes: Sequence[Code]) -> str:
    used = {name for code in codes for name in code.kernels}
    parts = ['#include "model.h"\n\n#include <string.h>\n']
    parts += [kernel(file) for name, file in _KERNELS.items() if name in used]
    body = [_HEAD, "    (void)scratch;"]
    for step, code in zip(made.steps, codes, strict=True):
        title = f"/* {step.identifier}: {comment(step.work.name)} */"
        if code.constants:
            parts += [title, code.constants]
        body += [f"    {title}", *(f"    {call}" for call in code.calls)]
    return "\n".join([*parts, *body, "}\n"])
