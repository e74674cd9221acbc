"""What model.c of a float32 network is made of."""

from __future__ import annotations

from quantbench.c99.emit.c_syntax import kernel
from quantbench.c99.emit.translation_unit import Language
from quantbench.c99.ir.graph import BYTES
from quantbench.c99.target.isa import FMA

# In the order in which one uses the other.
_KERNELS = {
    "products": "float32/products", "lanewise": "float32/lanewise", "clamp": "float32/clamp",
    "conv": "float32/conv", "dense": "float32/dense", "pool": "float32/pool", "add": "float32/add",
    "activate": "float32/activate", "concat": "float32/concat", "pad": "float32/pad",
    "arrange": "arrange",
}  # fmt: skip
_HEAD = "void model_run(const float *input, float *output, float *scratch)\n{"


def language() -> Language:
    texts = {name: kernel(file) for name, file in _KERNELS.items()}
    return Language(texts, frozenset(("pad",)), (FMA,), _HEAD, unit=BYTES["float32"])
