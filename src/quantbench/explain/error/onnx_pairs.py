"""Pair the tensors of a quantized ONNX graph with those of the float graph that they stand for.

Both graphs are walked from their inputs. Quantizers rename, fold and delete nodes: rounding is
looked through, an operator on integers stands for its float form, and an activation or a bias
that one graph lacks (it lives on in a range, or in the operator before) is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import onnx

from quantbench.explain.error.onnx_weights import alike
from quantbench.export.onnx_graph import Graph

ROUNDING = ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear")
_COPIES = ("Identity", "Dropout")
_TRANSPARENT = (*ROUNDING, *_COPIES)
_FAMILIES = {
    "ConvInteger": "Conv", "Gemm": "MatMul", "MatMulInteger": "MatMul",
    "MatMulIntegerToFloat": "MatMul", "DynamicQuantizeMatMul": "MatMul",
    "Flatten": "Reshape", "Squeeze": "Reshape", "Unsqueeze": "Reshape",
}  # fmt: skip
"""Operator -> the one that it is a form of: with a bias, on integers, of another shape."""
_WITH_CONSTANT = ("Add", "Mul", "Sub", "Div")
FOLLOWERS = (
    "Relu", "Clip", "LeakyRelu", "PRelu", "Elu", "Sigmoid", "Tanh", "HardSigmoid", "HardSwish",
    "Gelu", "BatchNormalization",
)  # fmt: skip
"""Operators on each value by itself, which belong to the layer before them."""
_SUMS = ("Cast", *_WITH_CONSTANT)
_SHAPING = ("Pad", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose")
"""Operators that may stand before a layer in one graph, and be part of it in the other."""
_MAX_STEPS = 4
"""The most operators behind one tensor that a quantizer has folded away."""


@dataclass(frozen=True)
class Pair:
    """A tensor of the quantized graph, before its own QuantizeLinear, and its float counterpart."""

    name: str
    float_name: str


@dataclass(frozen=True)
class Pairing:
    """The pairs of two graphs: of tensors, in the quantized graph's order, and of nodes.

    `nodes`: the first output of a float node -> the quantized graph's node that stands for it.
    """

    pairs: tuple[Pair, ...]
    nodes: Mapping[str, onnx.NodeProto]


class Ends:
    """The names of a graph's inputs and outputs, and which tensors depend on the inputs."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.graph = Graph(model.graph)
        self.inputs = [v.name for v in model.graph.input if not self.graph.is_constant(v.name)]
        self.outputs = [value.name for value in model.graph.output]
        self._active = set(self.inputs)
        for node in self.graph.nodes:
            if self._active.intersection(node.input):
                self._active.update(node.output)

    def active(self, node: onnx.NodeProto) -> list[str]:
        """The inputs of a node that depend on the network's inputs."""
        return [name for name in node.input if name in self._active]

    def root(self, name: str) -> str:
        """The tensor whose numbers, rounded or not, another one holds."""
        while (node := self.graph.producer(name)) is not None and node.op_type in _TRANSPARENT:
            if name != node.output[0]:
                break
            name = node.input[0]
        return name


def pairing_of(quantized: Ends, float32: Ends) -> Pairing:
    """Pair each tensor of the quantized graph whose counterpart is known, in the graph's order.

    Of the tensors that lead to one value (integer sums, then scaled, then biased) the last is
    given.
    """
    walk = _Walk(quantized, float32)
    for node in quantized.graph.nodes:
        if node.op_type not in _TRANSPARENT:
            walk.visit(node)
    for name, wanted in zip(quantized.outputs, float32.outputs, strict=False):
        walk.reach(quantized.root(name), wanted)
    pairs = tuple(
        Pair(name, counterpart)
        for name, counterpart in walk.counterparts.items()
        if name not in walk.superseded and name not in walk.reshaped
    )
    return Pairing(pairs, walk.nodes)


class _Walk:
    def __init__(self, quantized: Ends, float32: Ends) -> None:
        self._quantized, self._float = quantized, float32
        self.counterparts = {
            name: name if name in float32.inputs else other
            for name, other in zip(quantized.inputs, float32.inputs, strict=True)
        }
        self.superseded: set[str] = set()
        self.reshaped: set[str] = set()
        """Tensors that hold their counterparts' numbers in another shape."""
        self._scales: set[str] = set()
        self.nodes: dict[str, onnx.NodeProto] = {}

    def visit(self, node: onnx.NodeProto) -> None:
        """Find the counterparts of a node's outputs, if those of its inputs are known."""
        read = [self._quantized.root(name) for name in self._quantized.active(node)]
        scales = [name for name in read if self._is_scale(name)]
        values = [name for name in read if name in self.counterparts]
        if not values:
            self._scales.update(node.output if scales else ())
            return
        if scales and node.op_type not in _FAMILIES:  # a sum of integers is scaled
            self._pass(values[0], node)
            return
        wanted = [self.counterparts[name] for name in values]
        match = self._match(node, wanted)
        if match is not None:
            self.nodes.setdefault(match.output[0], node)
            self.counterparts.update(zip(node.output, match.output, strict=False))
        elif len(values) == 1 and node.op_type in _SUMS:
            self._pass(values[0], node)
        elif len(values) == 1 and node.op_type in _SHAPING:
            self.counterparts[node.output[0]] = wanted[0]
            self.reshaped.add(node.output[0])
        elif self._float.graph.producer(node.output[0]) is not None:  # quantizers keep names
            self.counterparts[node.output[0]] = node.output[0]

    def reach(self, name: str, wanted: str) -> None:
        """Take the float graph's output for what a graph's output stands for, where that fits."""
        known = self.counterparts.get(name)
        if known is not None and wanted in self._behind(known):
            self._advance(known, wanted)

    def _pass(self, value: str, node: onnx.NodeProto) -> None:
        self.counterparts[node.output[0]] = self.counterparts[value]
        self.superseded.add(value)

    def _is_scale(self, name: str) -> bool:
        node = self._quantized.graph.producer(name)
        computed = node is not None and node.op_type == "DynamicQuantizeLinear"
        return name in self._scales or computed

    def _match(self, node: onnx.NodeProto, wanted: Sequence[str]) -> onnx.NodeProto | None:
        """The float node that computes the same from the counterparts of a node's inputs."""
        behind = [[*self._behind(name)] for name in wanted]
        family = _FAMILIES.get(node.op_type, node.op_type)
        found: list[tuple[onnx.NodeProto, Sequence[str]]] = []
        for start in behind[0]:
            for reader in self._float.graph.readers(start):
                read = self._reads(reader, behind)
                if _FAMILIES.get(reader.op_type, reader.op_type) == family and read:
                    found.append((reader, read))
            if found:
                break
        fresh = [each for each in found if each[0].output[0] not in self.nodes] or found
        if not fresh:
            return None
        best, read = fresh[0]
        if len(fresh) > 1 and family in ("Conv", "ConvTranspose", "MatMul"):
            best, read = max(
                fresh,
                key=lambda each: alike(self._quantized.graph, node, self._float.graph, each[0]),
            )
        for name, reached in zip(wanted, read, strict=True):
            self._advance(name, reached)
        return best

    def _reads(self, reader: onnx.NodeProto, behind: Sequence[Sequence[str]]) -> Sequence[str]:
        """The tensors that a float node reads, in the order of `behind`, or ()."""
        read = self._float.active(reader)
        if len(read) != len(behind):
            return ()
        for order in (read, read[::-1]):
            if all(name in names for name, names in zip(order, behind, strict=True)):
                return order
        return ()

    def _behind(self, name: str) -> Iterator[str]:
        """A float tensor, then those that operators give which a quantizer may have folded."""
        for _ in range(_MAX_STEPS):
            yield name
            readers = self._float.graph.readers(name)
            if len(readers) != 1 or not is_follower(self._float, readers[0]):
                return
            name = readers[0].output[0]
        yield name

    def _advance(self, name: str, reached: str) -> None:
        if name != reached:
            for key, known in self.counterparts.items():
                if known == name:
                    self.counterparts[key] = reached


def is_follower(ends: Ends, node: onnx.NodeProto) -> bool:
    """Whether a node only changes each value of the layer before it, perhaps by its channel."""
    alone = len(ends.active(node)) == 1
    return alone and node.op_type in (*FOLLOWERS, *_WITH_CONSTANT, *_COPIES, "Cast")
