"""Write docs/operators.md: the operators of ONNX that are compiled, and the kernels that they have.

    python -m benchmarks.operators_page

What an operator does is its file's first line. Its kernels are found by compiling a small network
of it for every instruction set.
"""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from quantbench.c99.importer import import_onnx
from quantbench.c99.ir.graph import Graph
from quantbench.c99.ir.move import Move
from quantbench.c99.operators import Operator, operators
from quantbench.c99.passes import layout
from quantbench.c99.simd import select
from quantbench.c99.target.isa import FMA, ISAS, Isa
from quantbench.c99.target.target import Dtype
from quantbench.errors import CompileError
from tests.c99.models import Model

PAGE = Path(__file__).parents[1] / "docs" / "operators.md"
_OF_INTEGERS = frozenset({"QuantizeLinear", "DequantizeLinear"})
"""A network that has them isn't float32."""
_SHAPE = (16, 6, 6)
"""Of so many channels that they fill a register."""
_HEAD = """# Operators that are compiled

{command} writes this page. Each operator is a file below
[c99/ops](../src/quantbench/c99/ops); what it doesn't support is refused, with the name of the node.
Attributes that aren't named here are refused, too. In quantized networks tensors are int8 or uint8
between QuantizeLinear and DequantizeLinear, and int32 where nothing quantizes a layer's sums
([compiling.md](compiling.md#what-it-reads)); in float32 networks nothing is.

The last columns say what a small network of the operator becomes: the kinds of nodes, and the
instruction sets that have kernels for it (`--isa`), moves of numbers aside, beside the portable C,
which every operator has; "all" are {all}. Layers of few channels may have none.
A fused operator costs nothing by itself, and one that only renames numbers needs no kernel.

| operator | what it is | inputs | attributes | int8 becomes | kernels, int8 | kernels, float32 |
|---|---|---|---|---|---|---|
"""


def page() -> str:
    """The text of docs/operators.md."""
    command = "`python -m benchmarks.operators_page`"
    everything = ", ".join(isa.name for isa in ISAS)
    rows = [_row(operator) for operator in operators().values()]
    return _HEAD.format(command=command, all=everything) + "\n".join(rows) + "\n"


def _row(operator: Operator) -> str:
    what = (inspect.getdoc(operator) or "").splitlines()[0].partition(": ")[2]
    what = what.replace("|", "\\|").rstrip(".")
    few, many = operator.INPUTS
    inputs = str(few) if few == many else f"{few} to {'any' if many > 100 else many}"
    attributes = ", ".join(f"`{name}`" for name in sorted(operator.ATTRIBUTES))
    becomes, kernels = _integers(operator.NAME)
    cells = (operator.NAME, what, inputs, attributes, becomes, kernels, _float32(operator.NAME))
    return f"| {' | '.join(cells)} |"


def _integers(name: str) -> tuple[str, str]:
    """The kinds of nodes that the operator becomes, and the instruction sets that have kernels."""
    graph = _compiled(name, Dtype.INT8)
    if graph is None:
        return "", ""
    kinds = dict.fromkeys(type(node).__name__ for node in graph.nodes)
    return ", ".join(kinds), _sets(graph, ISAS)


def _float32(name: str) -> str:
    if name in _OF_INTEGERS:
        return "no float32"
    graph = _compiled(name, Dtype.FLOAT32)
    return "" if graph is None else _sets(graph, (FMA,))


def _sets(graph: Graph, isas: tuple[Isa, ...]) -> str:
    """The instruction sets that have kernels for all steps of the graph but moves."""
    steps = [step for step in layout.plan(graph).steps if not isinstance(step.work, Move)]
    names = [isa.name for isa in isas if steps and all(select.code(step, isa) for step in steps)]
    return "all" if len(names) == len(ISAS) else ", ".join(names) or "portable"


def _compiled(name: str, dtype: Dtype) -> Graph | None:
    """A small network of the operator; None where it isn't of activations."""
    rounded = dtype == Dtype.INT8
    model = Model(("n", *_SHAPE), opset=21)
    if rounded:
        model.pair("x", 0.05, 128)
    try:
        with tempfile.TemporaryDirectory() as folder:
            _EXAMPLES.get(name, lambda maker: maker.add(name))(_Maker(model, rounded=rounded))
            if rounded and name not in ("ArgMax", "Softmax"):
                model.pair(None, 0.05, 128)
            return import_onnx(model.saved(Path(folder)), dtype)
    except CompileError:
        return None


class _Maker:
    """A model in which weights are quantized, or float32."""

    def __init__(self, model: Model, *, rounded: bool) -> None:
        self.model = model
        self.rounded = rounded

    def add(self, op: str, *constants: object, dtype: str = "float32", **more: object) -> None:
        self.model.add(op, None, *(self.model.constant(c, dtype) for c in constants), **more)

    def layer(self, op: str, shape: tuple[int, ...]) -> None:
        values = np.resize(np.arange(-60, 61, 7), shape)
        weights = self.model.weights(values) if self.rounded else self.model.constant(values * 0.1)
        self.model.add(op, None, weights)

    def resize(self, scales: list[float]) -> None:
        self.model.add("Resize", None, "", self.model.constant(scales), mode="linear")

    def slice(self, starts: list[int], ends: list[int], axes: list[int]) -> None:
        self.add("Slice", starts, ends, axes, dtype="int64")

    def both(self, op: str) -> None:
        """The operator on the input and a pooling of it."""
        first = self.model.last
        self.model.add("MaxPool", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        second = self.model.pair(None, 0.05, 128) if self.rounded else self.model.last
        self.model.add(op, first, second)

    def flat(self, op: str, shape: tuple[int, ...]) -> None:
        self.model.add("Flatten")
        if shape:
            self.layer(op, shape)
        else:
            self.model.add(op)


_WINDOW = {"kernel_shape": [2, 2], "strides": [2, 2]}
_SIZE = int(np.prod(_SHAPE))
_EXAMPLES: dict[str, Callable[[_Maker], object]] = {
    "Add": lambda m: m.both("Add"),
    "ArgMax": lambda m: m.add("ArgMax", axis=1),
    "AveragePool": lambda m: m.add("AveragePool", **_WINDOW),
    "BatchNormalization": lambda m: m.add("BatchNormalization", *[[1.5, 0.5, 1.0, 2.0] * 4] * 4),
    "Clip": lambda m: m.add("Clip", -1.0, 2.0),
    "Concat": lambda m: m.model.add("Concat", m.model.last, m.model.last, axis=1),
    "Conv": lambda m: m.layer("Conv", (8, 16, 3, 3)),
    "ConvTranspose": lambda m: m.layer("ConvTranspose", (16, 8, 2, 2)),
    "DepthToSpace": lambda m: m.add("DepthToSpace", blocksize=2),
    "Div": lambda m: m.add("Div", 3.0),
    "Expand": lambda m: (m.add("GlobalMaxPool"), m.add("Expand", [1, 16, 6, 6], dtype="int64")),
    "Gather": lambda m: m.add("Gather", [2, 0], dtype="int64", axis=1),
    "Gemm": lambda m: m.flat("Gemm", (_SIZE, 8)),
    "Log": lambda m: (m.add("Abs"), m.add("Add", 0.1), m.add("Log")),
    "MatMul": lambda m: m.flat("MatMul", (_SIZE, 8)),
    "Max": lambda m: m.both("Max"),
    "MaxPool": lambda m: m.add("MaxPool", **_WINDOW),
    "Min": lambda m: m.both("Min"),
    "Mul": lambda m: m.both("Mul"),
    "PRelu": lambda m: m.add("PRelu", [[[0.1]], [[0.2]], [[0.3]], [[0.4]]] * 4),
    "Pad": lambda m: m.add("Pad", [0, 0, 1, 1, 0, 0, 1, 1], dtype="int64"),
    "Pow": lambda m: m.add("Pow", 2.0),
    "ReduceMax": lambda m: m.add("ReduceMax", [1], dtype="int64"),
    "ReduceMin": lambda m: m.add("ReduceMin", [1], dtype="int64"),
    "ReduceSum": lambda m: m.add("ReduceSum", [2, 3], dtype="int64"),
    "ReduceMean": lambda m: m.add("ReduceMean", [2, 3], dtype="int64"),
    "Reshape": lambda m: m.add("Reshape", [-1, _SIZE], dtype="int64"),
    "Resize": lambda m: m.resize([1.0, 1.0, 2.0, 2.0]),
    "Slice": lambda m: m.slice([1], [3], [2]),
    "SpaceToDepth": lambda m: m.add("SpaceToDepth", blocksize=2),
    "Split": lambda m: m.model.add("Split", None, axis=1, num_outputs=2, outputs=2),
    "Tile": lambda m: m.add("Tile", [1, 2, 1, 1], dtype="int64"),
    "Transpose": lambda m: m.add("Transpose", perm=[0, 2, 3, 1]),
    "Softmax": lambda m: m.flat("Softmax", ()),
    "Sqrt": lambda m: (m.add("Abs"), m.add("Sqrt")),
    "Squeeze": lambda m: (m.add("GlobalMaxPool"), m.add("Squeeze", [2, 3], dtype="int64")),
    "Sub": lambda m: m.add("Sub", [[[0.1]], [[0.2]], [[0.3]], [[0.4]]] * 4),
    "Unsqueeze": lambda m: m.add("Unsqueeze", [4], dtype="int64"),
}  # fmt: skip


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
